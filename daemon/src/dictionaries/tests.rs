use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicU32, Ordering};

use otpost_radius_wire::dictionary::{AttributeId, Fault};

use super::*;

/// A folder of one test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otpost-dictionaries-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = Self(path);
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    fn write(&self, name: &str, octets: &[u8]) {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).unwrap();
        }
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn config(&self) -> AttributesConfig {
        AttributesConfig {
            dictionaries: self.0.clone(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const VENDOR: &str =
    "VENDOR Site 424242\nBEGIN-VENDOR Site\nATTRIBUTE Site-Group 1 string\nEND-VENDOR Site\n";

#[test]
fn without_a_folder_there_are_the_shipped_ones() {
    let dictionary = load(Path::new("/nonexistent/otpost/dictionaries")).unwrap();
    assert_eq!(
        dictionary.get("Fortinet-Group-Name").unwrap().id,
        AttributeId::vendor(12_356, 1)
    );
}

#[test]
fn every_file_of_the_folder_is_read_beside_the_shipped_ones() {
    let folder = Folder::new(&[
        ("dictionary.site", VENDOR),
        ("dictionary.more", "ATTRIBUTE Site-Plain 200 integer\n"),
        (".dictionary.site.swp", "nonsense"),
        ("dictionary.old~", "ATTRIBUTE"),
        ("dictionary.site.dpkg-old", "ATTRIBUTE"),
        ("sub/dictionary.unread", "ATTRIBUTE"),
    ]);
    // Latin-1 in a comment, as vendors write it.
    folder.write(
        "dictionary.latin",
        b"# f\xfcr Zyxel\nATTRIBUTE Site-Latin 201 string\n",
    );
    let dictionary = load(&folder.0).unwrap();
    for name in [
        "Site-Group",
        "Site.Group",
        "Site-Plain",
        "Site-Latin",
        "Cisco-AVPair",
    ] {
        assert!(dictionary.get(name).is_some(), "{name}");
    }
}

#[test]
fn a_file_named_dictionary_says_which_others_are_read() {
    let folder = Folder::new(&[
        (
            "dictionary",
            "$INCLUDE sub/dictionary.site\n$INCLUDE- dictionary.absent\n",
        ),
        ("sub/dictionary.site", VENDOR),
        ("dictionary.broken", "ATTRIBUTE"),
    ]);
    assert!(load(&folder.0).unwrap().get("Site-Group").is_some());
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let folder = Folder::new(&[("dictionary.site", "\n\nATTRIBUTE Site-Group 1 strng\n")]);
    let text = load(&folder.0).unwrap_err().to_string();
    let place = format!("{}/dictionary.site:3: ", folder.0.display());
    assert!(text.starts_with(&place), "{text}");
    assert!(text.contains("\n  = help: "), "{text}");
}

#[test]
fn no_file_is_included_from_outside() {
    for name in ["../passwd", "/etc/passwd"] {
        let folder = Folder::new(&[("dictionary", format!("$INCLUDE {name}").as_str())]);
        match load(&folder.0) {
            Err(DictionariesError::Line(DictionaryError {
                fault: Fault::Outside(outside),
                ..
            })) => assert_eq!(outside, name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_everybody_can_write_is_refused() {
    let folder = Folder::new(&[("dictionary.site", VENDOR)]);
    let path = folder.0.join("dictionary.site");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let text = load(&folder.0).unwrap_err().to_string();
    assert!(text.contains("chmod o-w"), "{text}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let text = load(&folder.0).unwrap_err().to_string();
    assert!(text.contains("chmod o-w"), "{text}");
}

#[test]
fn what_is_no_file_or_endless_is_refused() {
    let folder = Folder::new(&[]);
    symlink("/dev/zero", folder.0.join("dictionary.zero")).unwrap();
    assert!(matches!(
        load(&folder.0),
        Err(DictionariesError::Permissions(PermissionError::WrongType { .. }))
    ));
    let folder = Folder::new(&[]);
    folder.write("dictionary.large", &vec![b'#'; 4 * 1024 * 1024 + 1]);
    assert!(matches!(load(&folder.0), Err(DictionariesError::TooLarge(_))));
}

#[test]
fn a_reload_takes_what_is_right_and_keeps_what_was_otherwise() {
    let folder = Folder::new(&[("dictionary.site", VENDOR)]);
    let dictionaries = Dictionaries::start(&folder.config()).unwrap();
    let before = dictionaries.current();
    folder.write("dictionary.more", b"ATTRIBUTE Site-Plain 200 integer\n");
    assert!(dictionaries.current().get("Site-Plain").is_none());
    dictionaries.reload(&folder.config()).unwrap();
    assert!(dictionaries.current().get("Site-Plain").is_some());
    assert!(before.get("Site-Plain").is_none());
    folder.write("dictionary.more", b"ATTRIBUTE\n");
    dictionaries.reload(&folder.config()).unwrap_err();
    assert!(dictionaries.current().get("Site-Plain").is_some());
}
