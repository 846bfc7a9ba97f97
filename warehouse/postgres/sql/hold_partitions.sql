LOCK TABLE ONLY meter_readings, ONLY vehicle_readings IN ACCESS SHARE MODE
