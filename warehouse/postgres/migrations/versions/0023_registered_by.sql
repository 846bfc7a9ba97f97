-- The id of the token that registered a device; null: there was none, or it was the administrator's of the settings.
ALTER TABLE meters ADD COLUMN registered_by text;
ALTER TABLE vehicles ADD COLUMN registered_by text;
