DELETE FROM user_sessions
