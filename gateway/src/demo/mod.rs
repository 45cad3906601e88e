//! `ortoo demo`: the whole region on one command.

#![expect(dead_code, reason = "wired to desk and recorder as they land")]

mod calendar;
mod classes;
mod day;
mod dice;
mod enrol;
mod generate;
mod history;
mod lab;
mod logins;
mod meter;
mod outbox;
mod people;
mod places;
mod progress;
mod rules;
mod session;
