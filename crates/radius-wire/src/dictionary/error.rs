//! What is wrong with a dictionary file, and what was left out of it.

use std::fmt;

use thiserror::Error;

/// A dictionary file that cannot be used. Displays file, line, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {fault}")]
pub struct DictionaryError {
    /// The file, as the caller or an `$INCLUDE` named it.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a line. All are the fault of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Words are missing.
    #[error("{keyword}: something is missing\n  = help: write it like this: {form}")]
    Words {
        /// The line's first word.
        keyword: &'static str,
        /// An example.
        form: &'static str,
    },
    /// A name that could not be written in an entry.
    #[error("{0:?} is no name\n  = help: use up to 128 letters, digits, and . - _ / +")]
    Name(String),
    /// Not a number, or one that is too large.
    #[error(
        "{text:?} is not a number between {least} and {largest}\n  = help: write it in digits, or as 0x and hexadecimal digits"
    )]
    Number {
        /// What stands there.
        text: String,
        /// The least allowed.
        least: u64,
        /// The highest allowed.
        largest: u64,
    },
    /// A type that nobody has.
    #[error(
        "{0:?} is no type\n  = help: use one of string, octets, ipaddr, ipv6addr, combo-ip, ipv4prefix, ipv6prefix, integer, \
         byte, short, signed, integer64, date, ifid, ether, tlv"
    )]
    DataType(String),
    /// A flag that goes with other types only.
    #[error(
        "{flag} does not go with type {data}\n  = help: has_tag goes with string, octets and integer; leave {flag} out, or correct the type"
    )]
    Flag {
        /// The flag.
        flag: String,
        /// The type.
        data: &'static str,
    },
    /// A vendor that no VENDOR line names.
    #[error("the vendor {0:?} is not known\n  = help: put a line before it: VENDOR {0} and its number")]
    Vendor(String),
    /// A layout that no vendor has.
    #[error(
        "{0:?} is no layout of attributes\n  = help: write format=1,1: the octets of the number (1, 2 or 4), then those of the \
         length (0, 1 or 2)"
    )]
    Format(String),
    /// One vendor name, two numbers.
    #[error(
        "the vendor {name} has the number {number} already\n  = help: correct the number, or choose another name"
    )]
    VendorAgain {
        /// The name.
        name: String,
        /// Its number.
        number: u32,
    },
    /// An end where nothing began.
    #[error("{keyword} {name} ends what has not begun\n  = help: remove it, or put {begin} {name} before it")]
    NotBegun {
        /// The keyword.
        keyword: String,
        /// What follows it.
        name: String,
        /// What should have come before.
        begin: String,
    },
    /// The end of something else than what is open.
    #[error(
        "{found} ends something else than {open}, which began at line {line}\n  = help: end {open} first"
    )]
    Crossed {
        /// What stands there.
        found: String,
        /// What is open.
        open: String,
        /// Where it began.
        line: usize,
    },
    /// Begun, and the file is over.
    #[error("{0} has no end\n  = help: add the line that ends it")]
    NotEnded(String),
    /// One attribute name, two numbers, in files that are read together.
    #[error(
        "{name} was defined with another number at {first}\n  = help: remove one of the two, or choose another name"
    )]
    Again {
        /// The name.
        name: String,
        /// Where it was first.
        first: String,
    },
    /// A VALUE for an attribute that no line defines.
    #[error("the attribute {0:?} is not known\n  = help: correct its name, or add its ATTRIBUTE line")]
    Attribute(String),
    /// A VALUE whose attribute name stands for attributes of several vendors.
    #[error(
        "the attribute {0:?} is defined by several vendors\n  = help: put the VALUE line between BEGIN-VENDOR and END-VENDOR"
    )]
    Ambiguous(String),
    /// One value name, two numbers, in files that are read together.
    #[error(
        "{value} of {attribute} has the number {number} already\n  = help: remove one of the two, or choose another name"
    )]
    ValueAgain {
        /// The attribute.
        attribute: String,
        /// The value's name.
        value: String,
        /// The number it has.
        number: u64,
    },
    /// `$INCLUDE` names a file outside of the folder.
    #[error(
        "{0:?} leads out of the folder\n  = help: copy that file into the folder, and name it by its file name alone"
    )]
    Outside(String),
    /// `$INCLUDE` names a file that cannot be had.
    #[error("{name:?} cannot be included: {reason}")]
    Include {
        /// As written.
        name: String,
        /// Why not.
        reason: IncludeError,
    },
    /// Files include files that include files.
    #[error("files include each other more than {0} deep\n  = help: does a file include itself?")]
    Deep(usize),
    /// Too much for one dictionary.
    #[error("more than {most} {what}\n  = help: keep only the dictionaries of the equipment you have")]
    TooMany {
        /// How many are allowed.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}

/// Why the caller cannot hand over a file that another one includes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IncludeError {
    /// There is none of this name.
    #[error("there is no such file\n  = help: add it to the folder, or remove the line")]
    Missing,
    /// The caller's reason, with its help.
    #[error("{0}")]
    Refused(String),
}

/// A line that was left out or overrides another; the rest of the file is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What about it.
    pub remark: Remark,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.remark)
    }
}

/// What a [`Note`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// A word that this reader does not know.
    Keyword(String),
    /// A flag that this reader does not know; the attribute is used without it.
    Flag {
        /// The attribute.
        attribute: String,
        /// The flag.
        flag: String,
    },
    /// A type that this reader cannot write.
    DataType {
        /// The attribute.
        attribute: String,
        /// Its type.
        data: String,
    },
    /// An attribute inside another.
    Nested(String),
    /// An attribute that FreeRADIUS uses inside only: its number does not fit a packet.
    Internal(String),
    /// Everything up to the end of a block.
    Block(String),
    /// A named value of an attribute that holds no number.
    Value(String),
    /// An attribute that was known differently.
    Overrides(String),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword(word) => write!(f, "{word} is not understood; the line is left out"),
            Self::Flag { attribute, flag } => {
                write!(f, "{attribute}: the flag {flag} is not understood, and not kept")
            }
            Self::DataType { attribute, data } => {
                write!(f, "{attribute}: type {data} cannot be written; left out")
            }
            Self::Nested(attribute) => {
                write!(f, "{attribute}: attributes inside others are left out")
            }
            Self::Internal(attribute) => {
                write!(f, "{attribute}: its number does not fit a packet; left out")
            }
            Self::Block(name) => write!(f, "{name}: left out up to its end"),
            Self::Value(attribute) => {
                write!(
                    f,
                    "{attribute} holds no number; names for its values are left out"
                )
            }
            Self::Overrides(attribute) => {
                write!(f, "{attribute}: this definition replaces the earlier one")
            }
        }
    }
}
