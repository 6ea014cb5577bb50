-- Sources that an image showed and no catalogue had: where they come from, and how well their place is known.

CREATE TABLE found_sources (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  position_error_arcsec REAL NOT NULL CHECK (position_error_arcsec > 0), -- one standard deviation, along the long axis of the beam
  image_product_id INTEGER NOT NULL REFERENCES products (id),
  found_at TEXT NOT NULL
) STRICT;
CREATE INDEX found_sources_by_image ON found_sources (image_product_id);
