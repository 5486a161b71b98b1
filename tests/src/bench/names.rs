//! Users of the benchmark: numbers with a login, a password and a phone.

/// The login of user `n`.
pub(super) fn user(n: usize) -> String {
    format!("user{n:06}")
}

/// The password that user `n` has at FreeRADIUS; the benchmark's otpost client has its passwords checked elsewhere.
pub(super) fn password(n: usize) -> String {
    format!("pass{n:06}")
}

/// The phone of user `n`: German mobile numbers, ten million of them.
pub(super) fn phone(n: usize) -> String {
    format!("+49171{n:07}")
}

/// Whose phone it is.
pub(super) fn user_of(phone: &str) -> Option<usize> {
    phone.strip_prefix("+49171")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{phone, user_of};

    #[test]
    fn a_phone_leads_back_to_its_user() {
        assert_eq!(user_of(&phone(99_999)), Some(99_999));
        assert_eq!(user_of("+4930123456"), None);
    }
}
