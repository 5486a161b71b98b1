//! Tests that a machine cannot run: named, counted, and never hidden.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
    thread,
};

/// Says that the running test cannot run here and why; the test then returns. Where `CI` is `true` a test that
/// cannot run is a failure.
///
/// `make check` lists what was skipped after the run, from the file that `OTPOST_SKIPS` names.
///
/// # Panics
/// When `CI` is `true`, or when the list cannot be written.
pub fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let ci = env::var_os("CI").is_some_and(|value| value == "true");
    let list = env::var_os("OTPOST_SKIPS");
    if let Err(problem) = note(&test, reason, ci, list.as_deref().map(Path::new)) {
        #[expect(clippy::panic, reason = "a test fails by panicking")]
        {
            panic!("{problem}");
        }
    }
}

/// [`skip`] with its surroundings as parameters.
fn note(test: &str, reason: &str, ci: bool, list: Option<&Path>) -> Result<(), String> {
    if ci {
        return Err(format!(
            "{test} cannot run here, and in CI nothing may be skipped: {reason}"
        ));
    }
    let line = format!("SKIPPED: {test}: {reason}\n");
    io::stderr()
        .write_all(line.as_bytes())
        .map_err(|error| error.to_string())?;
    let Some(list) = list else {
        return Ok(());
    };
    (OpenOptions::new().create(true).append(true).open(list))
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(|error| format!("{}: {error}", list.display()))
}

#[cfg(test)]
mod tests {
    use std::{fs, process};

    use super::*;

    #[test]
    fn a_skip_is_listed_and_in_ci_it_is_a_failure() {
        let list = env::temp_dir().join(format!("otpost-skips-{}", process::id()));
        assert_eq!(note("ssh_login", "not root", false, Some(&list)), Ok(()));
        assert_eq!(note("su_login", "not root", false, Some(&list)), Ok(()));
        let problem = note("sudo_login", "not root", true, Some(&list)).unwrap_err();
        assert!(problem.contains("nothing may be skipped: not root"), "{problem}");
        let listed = fs::read_to_string(&list).unwrap();
        fs::remove_file(&list).unwrap();
        assert_eq!(
            listed,
            "SKIPPED: ssh_login: not root\nSKIPPED: su_login: not root\n"
        );
    }
}
