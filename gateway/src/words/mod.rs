//! Sentences for people, Chinese and English.
