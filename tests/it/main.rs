//! The end-to-end tests: one binary, so that the harness is linked once.

mod agent_tools;
mod backup;
mod bad_messages;
mod bad_requests;
mod both_databases;
mod broken_links;
mod demo;
mod disk_errors;
mod double_booking;
mod foreign_devices;
mod full_disk;
mod measured_run;
mod peers;
mod recurrence;
mod restart;
mod telemetry_path;
mod tidy;
mod torture;
