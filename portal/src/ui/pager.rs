use crate::i18n::Text;

/// The ways through a list that is longer than a page, for the macro `pager`.
#[derive(Debug, Clone)]
pub struct Pager {
    /// Where one is.
    pub text: String,
    /// Words, address and relation (`rel`) of each step; one without an address is not possible.
    pub steps: Vec<(Text, String, &'static str)>,
    /// Rows of a page to choose from; none where there is no choice.
    pub sizes: &'static [u32],
    /// The present choice.
    pub size: u32,
    /// Whether it is not the usual one, so that a search has to keep it.
    pub chosen: bool,
    /// Address of the list, for the choice.
    pub base: String,
    /// What else stands in the address: names and values.
    pub kept: Vec<(&'static str, String)>,
    /// Whether there is anything to choose or to turn to.
    pub shown: bool,
}
