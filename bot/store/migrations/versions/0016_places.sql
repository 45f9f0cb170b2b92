-- Who stands where in the calendar is asked at every look, of one application or configuration item and what is kept apart.
CREATE INDEX change_open_by_application ON change (application) WHERE state NOT IN ('closed', 'cancelled');
CREATE INDEX change_open_by_item ON change (configuration_item) WHERE state NOT IN ('closed', 'cancelled');
