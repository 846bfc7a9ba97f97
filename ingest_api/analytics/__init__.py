"""Questions of dashboards, answered from PostgreSQL: one vehicle's efficiency, and the fleet's."""
