use clap::Subcommand;

/// Verbs of `enrol`.
#[derive(Debug, Subcommand)]
pub enum EnrolCommand {
    /// Send a code to the phone of a user, who reads it to you; the token is made once the code is right.
    Start {
        /// Name the user by login or alias.
        user: String,
        /// Name the resource.
        resource: String,
        /// Write the number with + and country code, or `-` to read it from standard input; other users of this
        /// machine can see an argument in the process list.
        #[arg(allow_hyphen_values = true)]
        phone: String,
        /// Call the token this; otherwise it gets an automatic name.
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// Send codes of this many digits, 6 or 8; otherwise as the resource says.
        #[arg(long, value_name = "COUNT", value_parser = digits)]
        digits: Option<u8>,
    },
    /// Ask for the code that the user reads out, or read it from standard input; exit status 1 if it is not right.
    Finish {
        /// Name the enrolment by its id.
        enrolment: String,
    },
    /// Show where an enrolment stands.
    Status {
        /// Name the enrolment by its id.
        enrolment: String,
    },
    /// Take an enrolment back.
    Cancel {
        /// Name the enrolment by its id.
        enrolment: String,
    },
}

fn digits(text: &str) -> Result<u8, String> {
    match text {
        "6" => Ok(6),
        "8" => Ok(8),
        _ => Err("allowed are 6 and 8".to_owned()),
    }
}
