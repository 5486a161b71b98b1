//! The dictionaries of Debian's FreeRADIUS (package freeradius-common, which `scripts/setup.sh check` installs): all of
//! them can be read, and what we ship says the same.

#![expect(clippy::panic, reason = "test")]

use std::{fs, io::ErrorKind, path::Path};

use otpost_radius_wire::dictionary::{Definition, Dictionary, IncludeError, Remark};

const FOLDER: &str = "/usr/share/freeradius";

/// Files that its main file leaves out and that are wrong in themselves: this one has values for an attribute (for DHCP)
/// that it does not define.
const REFUSED: &[&str] = &["dictionary.freedhcp"];

fn load(name: &str) -> Result<String, IncludeError> {
    match fs::read(Path::new(FOLDER).join(name)) {
        Ok(octets) => Ok(String::from_utf8_lossy(&octets).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(IncludeError::Missing),
        Err(error) => Err(IncludeError::Refused(error.to_string())),
    }
}

/// The whole tree, as FreeRADIUS reads it.
fn tree() -> (Dictionary, Vec<String>, usize) {
    let text = load("dictionary").unwrap_or_else(|_| {
        panic!("{FOLDER}/dictionary is missing: install freeradius-common, or run scripts/setup.sh check")
    });
    let mut read = vec!["dictionary".to_owned()];
    let mut include = |name: &str| {
        read.push(name.to_owned());
        load(name)
    };
    let mut dictionary = Dictionary::default();
    let notes = dictionary
        .read("dictionary", &text, &mut include)
        .unwrap_or_else(|error| panic!("{error}"));
    let unknown: Vec<String> = (notes.iter())
        .filter(|note| matches!(note.remark, Remark::Keyword(_) | Remark::Flag { .. }))
        .map(ToString::to_string)
        .collect();
    assert_eq!(unknown, [""; 0], "its own format is understood");
    (dictionary, read, notes.len())
}

#[test]
fn the_whole_tree_is_read() {
    let (dictionary, read, notes) = tree();
    assert!(read.len() > 150, "{}", read.len());
    assert!(
        dictionary.attributes().count() > 5_000,
        "{} attributes, {notes} notes",
        dictionary.attributes().count()
    );

    // What its main file does not include can be put into the folder as well.
    let mut refused = Vec::new();
    let mut alone = 0;
    for entry in fs::read_dir(FOLDER).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("dictionary") || read.contains(&name) {
            continue;
        }
        let mut with_it = Dictionary::shipped().unwrap();
        let text = load(&name).unwrap();
        if with_it.read(&name, &text, &mut |name| load(name)).is_err() {
            refused.push(name);
        }
        alone += 1;
    }
    assert!(alone > 5, "{alone}");
    refused.sort();
    assert_eq!(refused, REFUSED);
}

#[test]
fn what_we_ship_says_the_same() {
    let (theirs, _, _) = tree();
    let ours = Dictionary::shipped().unwrap();
    let mut compared = 0;
    let mut wrong = Vec::new();
    let mut unknown = Vec::new();
    for definition in ours.attributes() {
        let Ok(other) = theirs.find(&definition.name) else {
            unknown.push(definition.name.clone());
            continue;
        };
        compared += 1;
        let on_the_wire = |definition: &Definition| {
            (
                definition.id,
                definition.data,
                definition.length,
                definition.tagged,
                definition.encryption,
                definition.concat,
            )
        };
        if on_the_wire(definition) != on_the_wire(other) {
            wrong.push(format!("{definition:?}\n  {other:?}"));
        }
        for value in definition.values() {
            match other.number_of(&value.name) {
                Some(number) if number == value.number => {}
                number => wrong.push(format!("{} {}: {number:?}", definition.name, value.name)),
            }
        }
        let vendor = definition.id.vendor.and_then(|vendor| ours.vendor(vendor));
        if let Some(vendor) = vendor {
            let other = theirs.vendor(vendor.id).map(|other| other.format);
            assert_eq!(other, Some(vendor.format), "{}", vendor.name);
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(unknown, [""; 0], "a name of ours that FreeRADIUS does not know");
    assert!(compared > 400, "{compared}");
}
