-- Each file that the lake keeps. lake_files points to the current one of a dataset's day. What was published before this
-- table was there gets its row when its file gets the name that says its version.
CREATE TABLE lake_file_versions (
    dataset text NOT NULL,
    day date NOT NULL,
    version integer NOT NULL,
    sha256 bytea NOT NULL,
    size_bytes bigint NOT NULL,
    row_count bigint NOT NULL,
    published_at timestamptz NOT NULL,
    -- In this order they were published; a clock may be set back.
    publication bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (dataset, day, version)
);

-- What readers see of a day: one version of each dataset, all of one build. A new one is released when a build is done.
CREATE TABLE lake_releases (
    day date NOT NULL,
    release integer NOT NULL,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (day, release)
);

CREATE TABLE lake_release_files (
    day date NOT NULL,
    release integer NOT NULL,
    dataset text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (day, release, dataset),
    FOREIGN KEY (day, release) REFERENCES lake_releases ON DELETE CASCADE,
    FOREIGN KEY (dataset, day, version) REFERENCES lake_file_versions
);
CREATE INDEX lake_release_files_by_version ON lake_release_files (dataset, day, version);
