//! Columns and their names.

use super::shown;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Login.
    Login,
    /// E-mail address.
    Email,
    /// Phone number as typed.
    Phone,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Resource to bind to.
    Resource,
    /// Token name.
    Token,
}

impl Column {
    /// Its name in the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::FirstName => "first-name",
            Self::LastName => "last-name",
            Self::Resource => "resource",
            Self::Token => "token",
        }
    }

    /// The column of a name: ours, or the vendor's English one; case, blanks, `-` and `_` do not count.
    fn of(name: &str) -> Option<Self> {
        let folded: String = name
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        Some(match folded.as_str() {
            "login" => Self::Login,
            "email" => Self::Email,
            "phone" | "phonenumber" => Self::Phone,
            "firstname" => Self::FirstName,
            "lastname" | "secondname" => Self::LastName,
            "resource" | "resourcename" => Self::Resource,
            "token" | "tokenname" => Self::Token,
            _ => return None,
        })
    }
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header(pub(super) Vec<Column>);

/// Why a file is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// A column of no known name.
    #[error(
        "the column `{0}` is not known; the first line names the columns: \
         login,email,phone,first-name,last-name,resource,token"
    )]
    Unknown(String),
    /// A column that is there twice.
    #[error("the column {0} is there twice; keep one")]
    Twice(&'static str),
    /// No login.
    #[error(
        "the first line names no column login; it reads like: login,email,phone,first-name,last-name,resource,token"
    )]
    NoLogin,
}

impl Header {
    /// Reads the names of columns, in any order.
    ///
    /// # Errors
    /// [`BadHeader`] names the column.
    pub fn read<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Self, BadHeader> {
        let mut columns = Vec::new();
        for field in fields {
            let column = Column::of(field).ok_or_else(|| BadHeader::Unknown(shown(field)))?;
            if columns.contains(&column) {
                return Err(BadHeader::Twice(column.as_str()));
            }
            columns.push(column);
        }
        if columns.contains(&Column::Login) {
            Ok(Self(columns))
        } else {
            Err(BadHeader::NoLogin)
        }
    }
}
