//! The end-to-end tests: one binary, so that the harness is linked once.

mod agent_tools;
mod alerts;
mod backup;
mod bad_messages;
mod bad_requests;
mod both_databases;
mod broken_links;
mod check;
mod demo;
mod device_faults;
mod device_ways;
mod disk_errors;
mod double_booking;
mod elsewhere;
mod elsewhere_down;
mod foreign_devices;
mod full_disk;
mod measured_run;
mod peers;
mod polled;
mod recurrence;
mod restart;
mod sparkplug;
mod telemetry_path;
mod tidy;
mod torture;
