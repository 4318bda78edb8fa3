"""Model files: a zip of JSON and safetensors that holds names and numbers, nothing executable."""
