"""What runs by itself, and when: sensors, schedules, and the plans they follow."""
