"""Layers: thin classes over ops, a file a family. May import core, ops and what stands above them."""

from gradwise.core.layer import Layer as Layer
from gradwise.layers.activations import ELU as ELU
from gradwise.layers.activations import Activation as Activation
from gradwise.layers.activations import LeakyReLU as LeakyReLU
from gradwise.layers.activations import PReLU as PReLU
from gradwise.layers.activations import ReLU as ReLU
from gradwise.layers.activations import Softmax as Softmax
from gradwise.layers.activations import ThresholdedReLU as ThresholdedReLU
from gradwise.layers.adaptive_pooling import AdaptiveAveragePooling1D as AdaptiveAveragePooling1D
from gradwise.layers.adaptive_pooling import AdaptiveAveragePooling2D as AdaptiveAveragePooling2D
from gradwise.layers.adaptive_pooling import AdaptiveAveragePooling3D as AdaptiveAveragePooling3D
from gradwise.layers.adaptive_pooling import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from gradwise.layers.adaptive_pooling import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from gradwise.layers.adaptive_pooling import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from gradwise.layers.additive_attention import AdditiveAttention as AdditiveAttention
from gradwise.layers.attention import Attention as Attention
from gradwise.layers.batch_normalization import BatchNormalization as BatchNormalization
from gradwise.layers.bidirectional import Bidirectional as Bidirectional
from gradwise.layers.category_encoding import CategoryEncoding as CategoryEncoding
from gradwise.layers.conv_lstm import ConvLSTM1D as ConvLSTM1D
from gradwise.layers.conv_lstm import ConvLSTM2D as ConvLSTM2D
from gradwise.layers.conv_lstm import ConvLSTM3D as ConvLSTM3D
from gradwise.layers.convolution import Conv1D as Conv1D
from gradwise.layers.convolution import Conv2D as Conv2D
from gradwise.layers.convolution import Conv3D as Conv3D
from gradwise.layers.core import ActivityRegularization as ActivityRegularization
from gradwise.layers.core import Identity as Identity
from gradwise.layers.core import Masking as Masking
from gradwise.layers.dense import Dense as Dense
from gradwise.layers.depthwise_convolution import DepthwiseConv1D as DepthwiseConv1D
from gradwise.layers.depthwise_convolution import DepthwiseConv2D as DepthwiseConv2D
from gradwise.layers.discretization import Discretization as Discretization
from gradwise.layers.dot import Dot as Dot
from gradwise.layers.dropout import AlphaDropout as AlphaDropout
from gradwise.layers.dropout import Dropout as Dropout
from gradwise.layers.dropout import SpatialDropout1D as SpatialDropout1D
from gradwise.layers.dropout import SpatialDropout2D as SpatialDropout2D
from gradwise.layers.dropout import SpatialDropout3D as SpatialDropout3D
from gradwise.layers.einsum_dense import EinsumDense as EinsumDense
from gradwise.layers.embedding import Embedding as Embedding
from gradwise.layers.feature_normalization import Normalization as Normalization
from gradwise.layers.global_pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from gradwise.layers.global_pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from gradwise.layers.global_pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
from gradwise.layers.global_pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from gradwise.layers.global_pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from gradwise.layers.global_pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
from gradwise.layers.group_query_attention import GroupQueryAttention as GroupQueryAttention
from gradwise.layers.gru import GRU as GRU
from gradwise.layers.gru import GRUCell as GRUCell
from gradwise.layers.hashing import HashedCrossing as HashedCrossing
from gradwise.layers.hashing import Hashing as Hashing
from gradwise.layers.inputs import Input as Input
from gradwise.layers.inputs import InputLayer as InputLayer
from gradwise.layers.integer_lookup import IntegerLookup as IntegerLookup
from gradwise.layers.lambda_layer import Lambda as Lambda
from gradwise.layers.lstm import LSTM as LSTM
from gradwise.layers.lstm import LSTMCell as LSTMCell
from gradwise.layers.maxout import Maxout as Maxout
from gradwise.layers.merge_functions import add as add
from gradwise.layers.merge_functions import average as average
from gradwise.layers.merge_functions import concatenate as concatenate
from gradwise.layers.merge_functions import dot as dot
from gradwise.layers.merge_functions import maximum as maximum
from gradwise.layers.merge_functions import minimum as minimum
from gradwise.layers.merge_functions import multiply as multiply
from gradwise.layers.merge_functions import subtract as subtract
from gradwise.layers.merging import Add as Add
from gradwise.layers.merging import Average as Average
from gradwise.layers.merging import Concatenate as Concatenate
from gradwise.layers.merging import Maximum as Maximum
from gradwise.layers.merging import Minimum as Minimum
from gradwise.layers.merging import Multiply as Multiply
from gradwise.layers.merging import Subtract as Subtract
from gradwise.layers.multi_head_attention import MultiHeadAttention as MultiHeadAttention
from gradwise.layers.noise import GaussianDropout as GaussianDropout
from gradwise.layers.noise import GaussianNoise as GaussianNoise
from gradwise.layers.normalization import GroupNormalization as GroupNormalization
from gradwise.layers.normalization import LayerNormalization as LayerNormalization
from gradwise.layers.normalization import RMSNormalization as RMSNormalization
from gradwise.layers.normalization import UnitNormalization as UnitNormalization
from gradwise.layers.operation import Operation as Operation
from gradwise.layers.padding import Cropping1D as Cropping1D
from gradwise.layers.padding import Cropping2D as Cropping2D
from gradwise.layers.padding import Cropping3D as Cropping3D
from gradwise.layers.padding import ZeroPadding1D as ZeroPadding1D
from gradwise.layers.padding import ZeroPadding2D as ZeroPadding2D
from gradwise.layers.padding import ZeroPadding3D as ZeroPadding3D
from gradwise.layers.pooling import AveragePooling1D as AveragePooling1D
from gradwise.layers.pooling import AveragePooling2D as AveragePooling2D
from gradwise.layers.pooling import AveragePooling3D as AveragePooling3D
from gradwise.layers.pooling import MaxPooling1D as MaxPooling1D
from gradwise.layers.pooling import MaxPooling2D as MaxPooling2D
from gradwise.layers.pooling import MaxPooling3D as MaxPooling3D
from gradwise.layers.positions import PositionEmbedding as PositionEmbedding
from gradwise.layers.positions import RotaryEmbedding as RotaryEmbedding
from gradwise.layers.positions import SinePositionEncoding as SinePositionEncoding
from gradwise.layers.random_colors import RandomBrightness as RandomBrightness
from gradwise.layers.random_colors import RandomChannelShift as RandomChannelShift
from gradwise.layers.random_colors import RandomColorJitter as RandomColorJitter
from gradwise.layers.random_colors import RandomContrast as RandomContrast
from gradwise.layers.random_colors import RandomGrayscale as RandomGrayscale
from gradwise.layers.random_colors import RandomHue as RandomHue
from gradwise.layers.random_colors import RandomSaturation as RandomSaturation
from gradwise.layers.random_erasing import RandomErasing as RandomErasing
from gradwise.layers.random_placement import RandomCrop as RandomCrop
from gradwise.layers.random_placement import RandomFlip as RandomFlip
from gradwise.layers.random_placement import RandomTranslation as RandomTranslation
from gradwise.layers.random_principal_colors import PCAColorAugmentation as PCAColorAugmentation
from gradwise.layers.random_warps import RandomRotation as RandomRotation
from gradwise.layers.random_warps import RandomShear as RandomShear
from gradwise.layers.random_warps import RandomZoom as RandomZoom
from gradwise.layers.random_word_replacement import RandomWordReplacement as RandomWordReplacement
from gradwise.layers.recurrent import RNN as RNN
from gradwise.layers.reshaping import Flatten as Flatten
from gradwise.layers.reshaping import Permute as Permute
from gradwise.layers.reshaping import RepeatVector as RepeatVector
from gradwise.layers.reshaping import Reshape as Reshape
from gradwise.layers.resizing import CenterCrop as CenterCrop
from gradwise.layers.resizing import Rescaling as Rescaling
from gradwise.layers.resizing import Resizing as Resizing
from gradwise.layers.separable_convolution import SeparableConv1D as SeparableConv1D
from gradwise.layers.separable_convolution import SeparableConv2D as SeparableConv2D
from gradwise.layers.simple_rnn import SimpleRNN as SimpleRNN
from gradwise.layers.simple_rnn import SimpleRNNCell as SimpleRNNCell
from gradwise.layers.spectral_normalization import SpectralNormalization as SpectralNormalization
from gradwise.layers.stacked_cells import StackedRNNCells as StackedRNNCells
from gradwise.layers.string_lookup import StringLookup as StringLookup
from gradwise.layers.table_features import TableFeatures as TableFeatures
from gradwise.layers.text_vectorization import TextVectorization as TextVectorization
from gradwise.layers.time_distributed import TimeDistributed as TimeDistributed
from gradwise.layers.transposed_convolution import Conv1DTranspose as Conv1DTranspose
from gradwise.layers.transposed_convolution import Conv2DTranspose as Conv2DTranspose
from gradwise.layers.transposed_convolution import Conv3DTranspose as Conv3DTranspose
from gradwise.layers.upsampling import UpSampling1D as UpSampling1D
from gradwise.layers.upsampling import UpSampling2D as UpSampling2D
from gradwise.layers.upsampling import UpSampling3D as UpSampling3D

# Keras' short names.
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
