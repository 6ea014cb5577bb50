"""Parts of the photometry step: where sources fall on an image, and fluxes fitted there."""
