//! Hands one mail to the server that is set up, and says what that means for the queue.

use otpost_core::mail::queue::Outcome;
use otpost_store::kinds::MailSetup;

use crate::mail::{Class, Mail, Mailer};

/// Hands the mail over and waits for the server's answer. The mailer's deadline lies well within a claim.
pub(crate) async fn hand_over(setup: &MailSetup, mail: &Mail<'_>) -> Outcome {
    let password = setup.password.as_ref().map(|password| password.as_str());
    match Mailer::default().send(&setup.settings, password, mail).await {
        Ok(_) => Outcome::Sent,
        Err(error) => match error.class() {
            // An administrator mends the settings, and the mail is none the worse.
            Class::Temporary | Class::Misconfigured => Outcome::Later(error.to_string()),
            Class::Permanent => Outcome::Refused(error.to_string()),
        },
    }
}
