-- The digest of the model that made a version; null where it is not known, and for what no model makes.
ALTER TABLE lake_file_versions ADD COLUMN model_digest text;

-- What was read of earlier days to make a version. Where one of them is another file now, the version is outdated.
CREATE TABLE lake_file_inputs (
    dataset text NOT NULL,
    day date NOT NULL,
    version integer NOT NULL,
    input text NOT NULL,
    input_day date NOT NULL,
    input_sha256 bytea NOT NULL,
    PRIMARY KEY (dataset, day, version, input, input_day),
    FOREIGN KEY (dataset, day, version) REFERENCES lake_file_versions ON DELETE CASCADE
);
