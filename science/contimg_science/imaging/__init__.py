"""Parts of the image step: what the visibilities say, WSClean, the primary beam, headers, pictures, quality."""
