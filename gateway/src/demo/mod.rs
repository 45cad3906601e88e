//! `ortoo demo`: the whole region on one command.
