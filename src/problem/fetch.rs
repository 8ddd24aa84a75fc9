//! Why a fetch ended early.

use super::Problem;
use crate::fetch::FetchError;

impl From<&FetchError> for Problem {
    fn from(error: &FetchError) -> Problem {
        match error {
            FetchError::Transport(error) => error.into(),
            FetchError::Archive(error) => error.into(),
        }
    }
}
