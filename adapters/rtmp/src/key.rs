use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// What is remembered of a stream key: enough to know it again. Comparing takes the same time
/// however much of a guess is right, and however long it is.
#[derive(Clone, Copy)]
pub(crate) struct KeyPrint([u8; 32]);

impl KeyPrint {
    pub(crate) fn of(key: &str) -> Self {
        let mut print = [0; 32];
        print.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
        Self(print)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        assert!(KeyPrint::of("abc").is(&KeyPrint::of("abc")));
        assert!(!KeyPrint::of("abc").is(&KeyPrint::of("abd")));
        assert!(!KeyPrint::of("abc").is(&KeyPrint::of("")));
    }
}
