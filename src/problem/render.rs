//! Why a message is not shown as a page.

use super::{Problem, cause};
use crate::render::Failure;

const WHOLE: &str = "Nothing was lost: the message itself is whole.";

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Problem {
        let summary = match failure {
            Failure::NotStarted(error) => {
                format!("The part of Postkeep that draws pages could not be started: {}.", cause(error))
            }
            Failure::Died => {
                "This message's page could not be drawn: it wants more memory than is allowed, or is damaged."
                    .to_owned()
            }
            Failure::TooSlow => "This message's page could not be drawn in the time that is allowed for it.".to_owned(),
            Failure::Confused => "Postkeep was replaced by another version while it was running.".to_owned(),
            Failure::NoPage => "The page of this message was put away.".to_owned(),
            Failure::Stopped => "What was being drawn of this message was stopped.".to_owned(),
        };
        let advice = match failure {
            Failure::NotStarted(_) => "Close other programs and open the message again.",
            Failure::Died | Failure::TooSlow => "Read its text instead, or save it and open it in another program.",
            Failure::Confused => "Close Postkeep and start it again.",
            Failure::NoPage | Failure::Stopped => "Open the message again.",
        };
        Problem::new(summary, WHOLE, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_sentences() {
        let started = Failure::NotStarted(std::io::Error::from_raw_os_error(11));
        let all = [started, Failure::Died, Failure::TooSlow, Failure::Confused, Failure::NoPage, Failure::Stopped];
        super::super::assert_sound(&all.iter().map(Problem::from).collect::<Vec<_>>());
    }
}
