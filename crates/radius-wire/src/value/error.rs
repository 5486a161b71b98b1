//! What is wrong with an entry. No variant holds the value: it may be a password.

use thiserror::Error;

use crate::dictionary::LookupError;

use super::Refusal;

/// An entry that cannot be sent, with what mends it. The administrator's fault, all of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntryError {
    /// No name, or no equals sign.
    #[error("this is no attribute\n  = help: write a name, =, and a value, such as Filter-Id = \"staff\"")]
    Form,
    /// Another operator of FreeRADIUS.
    #[error(
        "only = is understood here\n  = help: write Name = value; give an attribute with several values once for each"
    )]
    Operator,
    /// Far more than an attribute holds.
    #[error(
        "an entry has at most {0} characters\n  = help: an attribute holds at most 253 octets; use several entries"
    )]
    Long(usize),
    /// No such attribute, or several.
    #[error(transparent)]
    Name(#[from] LookupError),
    /// An attribute that may not be given here.
    #[error("{name} cannot be set here: {refusal}")]
    Refused {
        /// The attribute.
        name: String,
        /// Why.
        refusal: Refusal,
    },
    /// A tag on an attribute that has none, or one out of range (RFC 2868 section 3).
    #[error("{name}: {problem}\n  = help: write it like this: {example}")]
    Tag {
        /// The attribute.
        name: String,
        /// What about it.
        problem: TagProblem,
        /// A right one.
        example: String,
    },
    /// A value that its type does not take.
    #[error("{name}, of type {data}: {problem}\n  = help: write it like this: {example}")]
    Value {
        /// The attribute.
        name: String,
        /// Its type.
        data: String,
        /// What is wrong.
        problem: Problem,
        /// A right one.
        example: String,
    },
    /// An attribute that a reply holds at most once (RFC 2865 section 5.44, RFC 2869 section 5.19).
    #[error("{0} may be given only once\n  = help: remove all but one of its entries")]
    Twice(String),
    /// More than fits beside what the server adds itself.
    #[error(
        "together the attributes have {octets} octets, and a reply has room for {budget}\n  = help: remove some, or shorten them"
    )]
    Full {
        /// What they come to.
        octets: usize,
        /// What there is.
        budget: usize,
    },
}

/// What is wrong with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TagProblem {
    /// The attribute has none.
    #[error("this attribute takes no tag")]
    None,
    /// Not a number from 0 to 31.
    #[error("a tag is a number from 1 to 31, or 0 for none")]
    Range,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// RFC 2865 section 5: an empty attribute must not be sent.
    #[error("the value is empty")]
    Empty,
    /// A quote without its pair, or something behind the closing one.
    #[error("the quotes do not fit")]
    Quotes,
    /// A backslash with something unknown behind it.
    #[error(
        "a backslash in quotes needs one of \" \\ n r t, x and two hexadecimal digits, or three octal digits behind it"
    )]
    Escape,
    /// A control character as it is.
    #[error("there is a line break or another control character in it")]
    Control,
    /// Behind 0x stands something else than pairs of hexadecimal digits.
    #[error("behind 0x stand pairs of hexadecimal digits and nothing else")]
    Hex,
    /// Text where only octets will do.
    #[error("only octets can be written for this type")]
    OctetsOnly,
    /// Neither a number nor, where it has some, one of its named values.
    #[error("neither a number nor one of its named values")]
    Name,
    /// Not a number.
    #[error("not a whole number")]
    Number,
    /// Too large, or below zero.
    #[error("the number must lie between {least} and {largest}")]
    Range {
        /// The least allowed.
        least: i64,
        /// The highest allowed.
        largest: u64,
    },
    /// Not an address. Names are not looked up.
    #[error("not an address of this kind; host names are not looked up")]
    Address,
    /// Not a network.
    #[error("not a network of this kind")]
    Network,
    /// RFC 8044 sections 3.10 and 3.11: bits behind the prefix must be zero.
    #[error("the address has bits behind the prefix; it is that of a host, not of the network")]
    HostBits,
    /// Not an interface's half of an address.
    #[error("not four groups of four hexadecimal digits")]
    Interface,
    /// Not a MAC address.
    #[error("not six pairs of hexadecimal digits")]
    Ether,
    /// Not a time that 32 bits of seconds since 1970 hold.
    #[error("not a time between 1970 and 2106")]
    Date,
    /// Octets of another number than the type has.
    #[error("{got} octets, and it has {want}")]
    Octets {
        /// As written.
        got: usize,
        /// As it should be.
        want: usize,
    },
    /// More than fits one attribute.
    #[error(
        "{got} octets, and at most {most} fit; give the attribute several times if its meaning allows that"
    )]
    Long {
        /// As written.
        got: usize,
        /// What fits.
        most: usize,
    },
    /// The number does not fit the vendor's layout.
    #[error("a vendor's attribute has a number from 0 to {0}")]
    Kind(u32),
}
