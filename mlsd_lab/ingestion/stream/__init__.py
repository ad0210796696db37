"""The event stream: a log that producers append to, and that consumers read at their own pace."""
