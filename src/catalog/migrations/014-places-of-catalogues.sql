-- Who of a survey is near a place is asked for each group: answered by the index alone.

CREATE INDEX catalogue_sources_by_place ON catalogue_sources (import_id, dec_deg, ra_deg);
DROP INDEX catalogue_sources_by_declination;
