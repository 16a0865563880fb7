"""XGBoost as a correction to log-HAR."""
