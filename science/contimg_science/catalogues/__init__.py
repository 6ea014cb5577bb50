"""Published catalogues of radio sources as files: what their columns mean, and how they are read."""
