//! The harness of the end-to-end tests: our programs and their peers as processes, and a client.
//!
//! What comes in: nothing but the programs built beside the test. What goes out: running
//! processes on free ports of the loopback, in scratch folders that vanish with the test.
//! Deliberately not here: any check of the product (that is `it/`), and any way round its front
//! doors, except the one file that fills a fresh database before the gateway opens it.
//!
//! A peer that is missing fails the test; nothing is skipped. Nothing sleeps for a fixed time:
//! [`wait`] looks for a condition until a deadline.

pub mod agent;
pub mod bare_broker;
pub mod certificates;
pub mod client;
pub mod database;
pub mod disk;
pub mod disk_faults;
pub mod disk_torture;
pub mod foreign_plant;
pub mod gateway;
pub mod influx;
pub mod lab;
pub mod link;
pub mod live;
pub mod load;
pub mod measure;
pub mod metrics;
pub mod modbus;
pub mod mosquitto;
pub mod pgbench;
pub mod postgres;
pub mod process;
pub mod publisher;
pub mod raw_http;
pub mod recur;
pub mod region;
pub mod sparkplug;
pub mod speaker;
pub mod telemetry_torture;
pub mod times;
pub mod torture;
pub mod victoria;
pub mod wait;
