"""What people look at: figures, the training report, later the live pages.

The only user of plotting libraries. Takes plain numbers and names, never a model or a layer, so it may import
errors, registry, evaluation and its own modules. Matplotlib and Pillow are imported when something is drawn.
"""

from gradwise.views.figures import learning_curves as learning_curves
