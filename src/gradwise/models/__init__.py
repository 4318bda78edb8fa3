"""Models: graphs and subclasses of layers that can be compiled, trained, evaluated and saved."""

from gradwise.models.model import Model as Model
from gradwise.models.sequential import Sequential as Sequential
