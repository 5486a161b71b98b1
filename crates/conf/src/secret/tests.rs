use std::{
    env,
    os::unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::*;

/// A directory of one test's own, removed with everything in it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "otpost-conf-{}-{}",
            process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn one_trailing_newline_is_not_part_of_a_typed_secret() {
    let scratch = Scratch::new();
    for (content, secret) in [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        ("s3cret\n\n", "s3cret\n"),
        (" s3cret ", " s3cret "),
    ] {
        let file = SecretFile::new(scratch.file("secret", 0o600, content));
        assert_eq!(file.read().unwrap().as_slice(), secret.as_bytes(), "{content:?}");
        assert_eq!(file.read_text().unwrap().as_str(), secret);
        assert_eq!(file.read_binary().unwrap().as_slice(), content.as_bytes());
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_chmod_that_mends_it() {
    let scratch = Scratch::new();
    for mode in [0o640, 0o604, 0o644, 0o444, 0o620, 0o602, 0o660] {
        let path = scratch.file("secret", mode, "s3cret");
        let error = SecretFile::new(&path).read().unwrap_err();
        assert!(
            matches!(&error, ConfError::Permissions(PermissionError::TooOpen { mode: m, .. }) if *m == mode),
            "{mode:o}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains(&format!("chmod go= {}", path.display())), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    for mode in [0o600, 0o400] {
        let path = scratch.file("good", mode, "s3cret");
        assert_eq!(SecretFile::new(path).read().unwrap().as_slice(), b"s3cret");
        fs::remove_file(scratch.path("good")).unwrap();
    }
}

#[test]
fn a_link_is_followed_in_a_private_directory_and_refused_where_everybody_writes() {
    let scratch = Scratch::new();
    scratch.file("secret", 0o600, "s3cret");
    let link = scratch.path("link");
    symlink("secret", &link).unwrap();
    assert_eq!(SecretFile::new(&link).read().unwrap().as_slice(), b"s3cret");

    let open = scratch.path("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    let link = open.join("link");
    symlink("../secret", &link).unwrap();
    assert_eq!(
        SecretFile::new(&link).read(),
        Err(ConfError::Permissions(PermissionError::Symlink { path: link }))
    );
}

#[test]
fn what_is_no_regular_file_is_refused_and_never_waited_for() {
    let scratch = Scratch::new();
    let pipe = scratch.path("pipe");
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let wrong = |path: &Path| {
        ConfError::Permissions(PermissionError::WrongType {
            path: path.to_path_buf(),
            wanted: "regular file",
        })
    };
    assert_eq!(SecretFile::new(&pipe).read(), Err(wrong(&pipe)));
    let directory = scratch.path("directory");
    fs::create_dir(&directory).unwrap();
    assert_eq!(SecretFile::new(&directory).read(), Err(wrong(&directory)));
}

#[test]
fn missing_empty_and_oversized_secrets_say_so() {
    let scratch = Scratch::new();
    let missing = scratch.path("missing");
    let kind = ErrorKind::NotFound;
    assert_eq!(
        SecretFile::new(&missing).read(),
        Err(ConfError::Unreadable { path: missing, kind })
    );
    for content in ["", "\n", "\r\n"] {
        let path = scratch.file("empty", 0o600, content);
        assert_eq!(
            SecretFile::new(&path).read(),
            Err(ConfError::EmptySecret { path })
        );
    }
    let path = scratch.file("large", 0o600, vec![b'x'; 64 * 1024 + 1]);
    let limit = LIMIT;
    assert_eq!(
        SecretFile::new(&path).read(),
        Err(ConfError::TooLarge { path, limit })
    );
    let path = scratch.file("fits", 0o600, vec![b'x'; 64 * 1024]);
    assert_eq!(SecretFile::new(&path).read().unwrap().len(), 64 * 1024);
}

#[test]
fn a_secret_that_is_not_text_is_refused_as_text_only() {
    let scratch = Scratch::new();
    let path = scratch.file("key", 0o400, [0xff, 0x00, b'\n']);
    let file = SecretFile::new(&path);
    assert_eq!(file.read_text(), Err(ConfError::NotUtf8 { path, line: 1 }));
    assert_eq!(file.read_binary().unwrap().as_slice(), [0xff, 0x00, b'\n']);
}

#[test]
fn a_credential_is_read_from_the_directory_that_was_passed_in() {
    let scratch = Scratch::new();
    scratch.file("master-key", 0o400, "k");
    let directory = scratch.path("");
    let file = SecretFile::credential(Some(&directory), "master-key").unwrap();
    assert_eq!(file.read().unwrap().as_slice(), b"k");
    assert_eq!(
        SecretFile::credential(None, "master-key"),
        Err(ConfError::NoCredentials {
            name: "master-key".to_owned()
        })
    );
    for name in ["", "..", ".", "../master-key", "a/b", ".hidden", "a b"] {
        assert_eq!(
            SecretFile::credential(Some(&directory), name),
            Err(ConfError::CredentialName {
                name: name.to_owned()
            })
        );
    }
}

#[test]
fn a_credential_may_show_the_mask_of_root_s_acl_but_nothing_for_others() {
    let scratch = Scratch::new();
    let path = scratch.file("master-key", 0o440, "k");
    let meta = fs::metadata(&path).unwrap();
    let file = SecretFile::credential(Some(&scratch.path("")), "master-key").unwrap();
    let granted_by_root = meta.uid() == 0 && meta.gid() == 0;
    assert_eq!(file.read().is_ok(), granted_by_root);
    assert!(SecretFile::new(&path).read().is_err());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(file.read().is_err());
}
