//! The window: iced. Talks to the core only through requests, events and jobs off the drawing thread.

// Taken off when the last screen stands.
#![allow(dead_code, unused_imports)]

mod icon;
mod theme;
mod widget;
mod words;
