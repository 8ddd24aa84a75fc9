//! Remote pictures that could not be loaded, in a sentence.

use crate::remote::Refusal;

/// `3 pictures could not be loaded: 2 would come without encryption, 1 took too long.`; `None` where there are none.
pub fn not_loaded(refusals: &[Refusal]) -> Option<String> {
    let mut kinds: Vec<(Refusal, usize)> = Vec::new();
    for refusal in refusals {
        match kinds.iter_mut().find(|(known, _)| known == refusal) {
            Some((_, count)) => *count += 1,
            None => kinds.push((*refusal, 1)),
        }
    }
    kinds.sort_unstable();
    let pictures = match refusals.len() {
        0 => return None,
        1 => "1 picture".to_owned(),
        count => format!("{count} pictures"),
    };
    let why: Vec<String> = kinds.into_iter().map(|(refusal, count)| why(refusal, count)).collect();
    Some(format!("{pictures} could not be loaded: {}.", why.join(", ")))
}

fn why(refusal: Refusal, count: usize) -> String {
    let (one, many) = match refusal {
        Refusal::NotEncrypted => ("would come without encryption", "would come without encryption"),
        Refusal::Tracker => ("turned out to be a tracker", "turned out to be trackers"),
        Refusal::NotPublic => ("is not on the public internet", "are not on the public internet"),
        Refusal::NotReached => ("is on a server that was not reached", "are on servers that were not reached"),
        Refusal::Refused => ("was not given out by its server", "were not given out by their servers"),
        Refusal::TooSlow => ("took too long", "took too long"),
        Refusal::TooLarge => ("is too large", "are too large"),
        Refusal::NoPicture => ("is no picture that can be shown", "are no pictures that can be shown"),
        Refusal::TooMany => ("is more than are loaded of one message", "are more than are loaded of one message"),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_loaded_in_a_sentence() {
        use Refusal::{NotEncrypted, TooSlow, Tracker};
        for (refusals, expected) in [
            (&[][..], None),
            (&[TooSlow][..], Some("1 picture could not be loaded: 1 took too long.")),
            (
                &[TooSlow, NotEncrypted, Tracker, NotEncrypted, Tracker][..],
                Some(
                    "5 pictures could not be loaded: 2 would come without encryption, 2 turned out to be trackers, 1 took too long.",
                ),
            ),
        ] {
            assert_eq!(not_loaded(refusals).as_deref(), expected);
        }
    }
}
