//! Words for people: any error as what happened, what it means for the mail, and what to do. The only module that
//! writes such sentences.

/// An error as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What happened, one sentence.
    pub summary: String,
    /// What it means for the mail, one sentence.
    pub mail: String,
    /// What to do next, one sentence.
    pub advice: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} {}", self.summary, self.mail, self.advice)
    }
}
