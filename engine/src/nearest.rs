//! Which of several names somebody probably meant.

/// What part of a name may be wrong: every third letter.
const LETTERS_PER_SLIP: usize = 3;

/// The name among `valid` that differs least from `given`, if it differs in little: a letter
/// too many, missing, wrong or swapped with the next counts one, capitals count nothing. Of
/// several the first.
pub fn nearest<'a>(given: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    valid
        .into_iter()
        .filter_map(|name| Some((slips(&given, &name.to_ascii_lowercase())?, name)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// How many slips make one name of the other; none if it takes too many for them to be alike.
///
/// What stands between slashes is a name for itself: a long path in common does not excuse
/// that the rest has nothing to do with the other's.
fn slips(given: &str, name: &str) -> Option<usize> {
    if given.matches('/').count() != name.matches('/').count() {
        return slips_in_one(given, name);
    }
    let parts = given.split('/').zip(name.split('/'));
    parts.map(|(given, name)| slips_in_one(given, name)).sum()
}

fn slips_in_one(given: &str, name: &str) -> Option<usize> {
    if given == name {
        return Some(0);
    }
    let (one, other) = (given.chars().count(), name.chars().count());
    let longer = one.max(other);
    // One slip is always allowed, but not to change every letter there is.
    let limit = (longer / LETTERS_PER_SLIP).max(1).min(longer - 1);
    // Comparing takes time by the product of the lengths, and strangers write such names.
    if one.abs_diff(other) > limit {
        return None;
    }
    Some(strsim::osa_distance(given, name)).filter(|slips| *slips <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let keys = ["listeners", "sources", "outputs", "secrets", "udp"];
        for (given, meant) in [
            ("souces", "sources"),
            ("Listener", "listeners"),
            ("lisenter", "listeners"),
            ("upd", "udp"),
        ] {
            assert_eq!(nearest(given, keys), Some(meant), "{given}");
        }
    }

    #[test]
    fn of_several_the_one_with_the_fewest_slips_is_offered_and_of_equals_the_first() {
        assert_eq!(nearest("cam", ["cam1", "cam2"]), Some("cam1"));
        assert_eq!(nearest("camera22", ["camera1", "camera2"]), Some("camera2"));
    }

    #[test]
    fn what_differs_in_more_than_a_third_is_not_offered() {
        for (given, name) in [
            ("zzz", "sources"),
            ("audio", "video"),
            ("studio", "stage"),
            ("preview", "program"),
            ("a", "b"),
            ("", "a"),
        ] {
            assert_eq!(nearest(given, [name]), None, "{given}");
        }
    }

    #[test]
    fn a_path_in_common_does_not_make_names_alike() {
        let known = ["event/cam1/main", "event/cam1/backup"];
        assert_eq!(nearest("event/cam1/mian", known), Some("event/cam1/main"));
        assert_eq!(nearest("evnt/cam2/main", known), Some("event/cam1/main"));
        assert_eq!(nearest("event-cam1/main", known), Some("event/cam1/main"));
        assert_eq!(nearest("event/cam1/drone", known), None);
        assert_eq!(nearest("event/cam1/x", known), None);
        assert_eq!(nearest("event/cam1", known), Some("event/cam1/main"));
    }
}
