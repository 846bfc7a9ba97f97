-- New devices are counted by the hour before one is registered.
CREATE INDEX meters_by_registration ON meters (registered_at);
CREATE INDEX vehicles_by_registration ON vehicles (registered_at);
