//! `ortoo demo`: the whole region on one command.

#![expect(dead_code, reason = "wired to desk and recorder as they land")]

mod calendar;
mod classes;
mod day;
mod dice;
mod generate;
mod meter;
mod people;
mod places;
mod rules;
