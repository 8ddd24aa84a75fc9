//! The window: iced. Talks to the core only through requests, events and jobs off the drawing thread.
