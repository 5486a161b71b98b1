//! Reads files into a dictionary.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    AttributeId, Definition, Dictionary, DictionaryError, Fault, IncludeError, NamedValue, Note, Remark,
    Vendor, VendorFormat, VendorId,
    block::{Block, Scope, end},
    definition::Place,
    line::{self, Flags, TypeWord},
};

/// Hands over the text of an included file. The name is relative to where reading began, and never leads out of it.
pub type Include<'a> = dyn FnMut(&str) -> Result<String, IncludeError> + 'a;

/// For files that include no others.
///
/// # Errors
/// Always [`IncludeError::Missing`].
pub fn no_includes(_: &str) -> Result<String, IncludeError> {
    Err(IncludeError::Missing)
}

/// As deep as FreeRADIUS' own files go, and some more.
const DEEPEST: usize = 8;
/// FreeRADIUS' own tree has 230.
const MOST_FILES: usize = 1_024;
/// FreeRADIUS' own tree has 9,500.
const MOST_VALUES: usize = 131_072;

impl Dictionary {
    /// Adds a file and those that it includes. What it defines again replaces what was known; other attributes stay.
    /// On an error nothing is changed. `file` names the text in messages, and its folder is where includes start.
    ///
    /// # Errors
    /// The first line that is wrong. A line that is merely not understood is a [`Note`] instead.
    pub fn read(
        &mut self,
        file: &str,
        text: &str,
        include: &mut Include<'_>,
    ) -> Result<Vec<Note>, DictionaryError> {
        let mut next = self.clone();
        next.runs += 1;
        let mut reader = Reader {
            dictionary: &mut next,
            include,
            notes: Vec::new(),
            values: Vec::new(),
            left_out: BTreeSet::new(),
            files: 0,
        };
        reader.file(file, text, 0)?;
        reader.values()?;
        let notes = reader.notes;
        *self = next;
        Ok(notes)
    }
}

/// A VALUE line: its attribute may come later.
struct PendingValue {
    place: Place,
    vendor: Option<VendorId>,
    attribute: String,
    name: String,
    number: u64,
}

struct Reader<'a> {
    dictionary: &'a mut Dictionary,
    include: &'a mut Include<'a>,
    notes: Vec<Note>,
    values: Vec<PendingValue>,
    /// Lower-case names of attributes that were left out: their values are too.
    left_out: BTreeSet<String>,
    files: usize,
}

/// A fault on its way out, with the place of the innermost file.
fn at(place: &Place, fault: Fault) -> DictionaryError {
    DictionaryError {
        file: place.file.to_string(),
        line: place.line,
        fault,
    }
}

impl Reader<'_> {
    fn note(&mut self, place: &Place, remark: Remark) {
        self.notes.push(Note {
            file: place.file.to_string(),
            line: place.line,
            remark,
        });
    }

    fn file(&mut self, file: &str, text: &str, depth: usize) -> Result<(), DictionaryError> {
        let mut place = Place {
            file: Arc::from(file),
            line: 0,
        };
        let mut scopes: Vec<Scope> = Vec::new();
        for text in text.trim_start_matches('\u{feff}').lines() {
            place.line += 1;
            let text = text.split('#').next().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            let Some((keyword, words)) = words.split_first() else {
                continue;
            };
            let keyword = keyword.to_ascii_uppercase();
            let left_out = scopes.last().is_some_and(|scope| scope.left_out);
            match keyword.as_str() {
                "$INCLUDE" | "$INCLUDE-" if !left_out => {
                    self.included(&place, words, keyword.ends_with('-'), depth)?;
                }
                _ => self
                    .line(&place, &keyword, words, &mut scopes)
                    .map_err(|fault| at(&place, fault))?,
            }
        }
        match scopes.pop() {
            None => Ok(()),
            Some(scope) => {
                place.line = scope.line;
                Err(at(
                    &place,
                    Fault::NotEnded(format!("{} {}", scope.block.begin(), scope.name)),
                ))
            }
        }
    }

    fn included(
        &mut self,
        place: &Place,
        words: &[&str],
        optional: bool,
        depth: usize,
    ) -> Result<(), DictionaryError> {
        let fail = |fault| at(place, fault);
        let [name] = words else {
            return Err(fail(Fault::Words {
                keyword: "$INCLUDE",
                form: "$INCLUDE dictionary.vendor",
            }));
        };
        let path = line::include_path(&place.file, name).map_err(fail)?;
        if depth >= DEEPEST {
            return Err(fail(Fault::Deep(DEEPEST)));
        }
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(fail(Fault::TooMany {
                most: MOST_FILES,
                what: "included files",
            }));
        }
        match (self.include)(&path) {
            Ok(text) => self.file(&path, &text, depth + 1),
            Err(IncludeError::Missing) if optional => Ok(()),
            Err(reason) => Err(fail(Fault::Include {
                name: (*name).to_owned(),
                reason,
            })),
        }
    }

    fn line(
        &mut self,
        place: &Place,
        keyword: &str,
        words: &[&str],
        scopes: &mut Vec<Scope>,
    ) -> Result<(), Fault> {
        if let Some((block, begins)) = Block::of(keyword) {
            return if begins {
                self.begin(place, block, words, scopes)
            } else {
                end(block, keyword, words, scopes)
            };
        }
        let (vendor, left_out) = scopes
            .last()
            .map_or((None, false), |scope| (scope.vendor, scope.left_out));
        if left_out {
            if let [name, ..] = words {
                self.left_out.insert(name.to_ascii_lowercase());
            }
            return Ok(());
        }
        match keyword {
            "ATTRIBUTE" => self.attribute(place, words, vendor),
            "VALUE" => self.value(place, words, vendor),
            "VENDOR" => self.vendor(place, words),
            _ => {
                if let [name, ..] = words {
                    self.left_out.insert(name.to_ascii_lowercase());
                }
                self.note(place, Remark::Keyword(keyword.to_owned()));
                Ok(())
            }
        }
    }

    fn begin(
        &mut self,
        place: &Place,
        block: Block,
        words: &[&str],
        scopes: &mut Vec<Scope>,
    ) -> Result<(), Fault> {
        let [name, options @ ..] = words else {
            return Err(Fault::Words {
                keyword: block.begin(),
                form: "BEGIN-VENDOR Name",
            });
        };
        let mut vendor = scopes.last().and_then(|scope| scope.vendor);
        let outer_left_out = scopes.last().is_some_and(|scope| scope.left_out);
        let left_out = outer_left_out
            || match block {
                // Options put a vendor's attributes elsewhere than into Vendor-Specific (RFC 6929).
                Block::Vendor => !options.is_empty(),
                Block::Protocol => !name.eq_ignore_ascii_case("RADIUS"),
                Block::Tlv | Block::Plain => true,
            };
        if block == Block::Vendor && !left_out {
            let known = self.dictionary.vendor_named(name);
            vendor = Some(known.ok_or_else(|| Fault::Vendor((*name).to_owned()))?);
        }
        if left_out && !outer_left_out {
            self.note(place, Remark::Block(format!("{} {name}", block.begin())));
        }
        scopes.push(Scope {
            block,
            name: (*name).to_owned(),
            line: place.line,
            vendor,
            left_out,
        });
        Ok(())
    }

    fn vendor(&mut self, place: &Place, words: &[&str]) -> Result<(), Fault> {
        let [name, number, options @ ..] = words else {
            return Err(Fault::Words {
                keyword: "VENDOR",
                form: "VENDOR Name 12345",
            });
        };
        line::name(name)?;
        let id = VendorId(line::number32(number, 1, 0x00ff_ffff)?);
        let mut format = None;
        for option in options {
            if option.to_ascii_lowercase().starts_with("format=") {
                format = Some(line::vendor_format(option)?);
            } else {
                self.note(
                    place,
                    Remark::Flag {
                        attribute: (*name).to_owned(),
                        flag: (*option).to_owned(),
                    },
                );
            }
        }
        let folded = name.to_ascii_lowercase();
        match self.dictionary.vendor_names.get(&folded) {
            Some(known) if *known != id => {
                return Err(Fault::VendorAgain {
                    name: (*name).to_owned(),
                    number: known.0,
                });
            }
            _ => self.dictionary.vendor_names.insert(folded, id),
        };
        let vendor = (self.dictionary.vendors.entry(id)).or_insert_with(|| Vendor {
            id,
            name: (*name).to_owned(),
            format: VendorFormat::USUAL,
        });
        if let Some(format) = format {
            vendor.format = format;
        }
        Ok(())
    }

    fn attribute(&mut self, place: &Place, words: &[&str], vendor: Option<VendorId>) -> Result<(), Fault> {
        let [name, number, data, options @ ..] = words else {
            return Err(Fault::Words {
                keyword: "ATTRIBUTE",
                form: "ATTRIBUTE Name 1 string",
            });
        };
        line::name(name)?;
        let (mut vendor, mut flags) = (vendor, Flags::NONE);
        let mut unknown = Vec::new();
        for flag in (options.iter())
            .flat_map(|word| word.split(','))
            .filter(|flag| !flag.is_empty())
        {
            if flags.take(flag) {
                continue;
            }
            // The oldest form of the format has the vendor's name here.
            match self.dictionary.vendor_named(flag) {
                Some(named) if vendor.is_none() => vendor = Some(named),
                _ => unknown.push(Remark::Flag {
                    attribute: (*name).to_owned(),
                    flag: flag.to_owned(),
                }),
            }
        }
        let data = line::data_type(data).map(|word| (word, *data))?;
        let leave = match (&data, number) {
            (_, number) if number.contains('.') => Some(Remark::Nested((*name).to_owned())),
            ((TypeWord::Foreign, word), _) => Some(Remark::DataType {
                attribute: (*name).to_owned(),
                data: (*word).to_owned(),
            }),
            _ if flags.inside => Some(Remark::Internal((*name).to_owned())),
            _ => None,
        };
        let number = match (&leave, vendor) {
            (Some(_), _) => None,
            (None, None) => {
                let number = line::number32(number, 0, u32::MAX)?;
                (1..=0xff).contains(&number).then_some(number)
            }
            (None, Some(vendor)) => {
                let format = self.dictionary.vendor(vendor).map(|vendor| vendor.format);
                Some(line::number32(
                    number,
                    0,
                    format.unwrap_or(VendorFormat::USUAL).largest(),
                )?)
            }
        };
        let ((TypeWord::Known(data, length), _), Some(number)) = (data, number) else {
            self.left_out.insert(name.to_ascii_lowercase());
            self.note(
                place,
                leave.unwrap_or_else(|| Remark::Internal((*name).to_owned())),
            );
            return Ok(());
        };
        flags.check(data)?;
        for remark in unknown {
            self.note(place, remark);
        }
        let replaced = self.dictionary.define(Definition {
            name: (*name).to_owned(),
            id: AttributeId { vendor, number },
            data,
            length,
            tagged: flags.tagged,
            encryption: flags.encryption,
            array: flags.array,
            concat: flags.concat,
            values: Vec::new(),
            place: place.clone(),
            run: self.dictionary.runs,
        })?;
        if replaced {
            self.note(place, Remark::Overrides((*name).to_owned()));
        }
        Ok(())
    }

    fn value(&mut self, place: &Place, words: &[&str], vendor: Option<VendorId>) -> Result<(), Fault> {
        let [attribute, name, number, ..] = words else {
            return Err(Fault::Words {
                keyword: "VALUE",
                form: "VALUE Attribute-Name Value-Name 1",
            });
        };
        if self.values.len() >= MOST_VALUES {
            return Err(Fault::TooMany {
                most: MOST_VALUES,
                what: "values",
            });
        }
        // Newer files name values of all types; what such a line says is known once its attribute is.
        let number = line::number(number, 0, u64::MAX);
        let folded = attribute.to_ascii_lowercase();
        let Ok(number) = number else {
            let index = self.dictionary.index_in(vendor, &folded);
            let known = index.and_then(|index| self.dictionary.attributes.get(index));
            if known.is_some_and(|known| known.data.largest().is_none()) || self.left_out.contains(&folded) {
                self.note(place, Remark::Value((*attribute).to_owned()));
                return Ok(());
            }
            return number.map(drop);
        };
        self.values.push(PendingValue {
            place: place.clone(),
            vendor,
            attribute: (*attribute).to_owned(),
            name: (*name).to_owned(),
            number,
        });
        Ok(())
    }

    /// Gives the values to their attributes, once all files are read.
    fn values(&mut self) -> Result<(), DictionaryError> {
        for value in std::mem::take(&mut self.values) {
            let place = value.place.clone();
            self.named(value).map_err(|fault| at(&place, fault))?;
        }
        Ok(())
    }

    fn named(&mut self, value: PendingValue) -> Result<(), Fault> {
        let folded = value.attribute.to_ascii_lowercase();
        let named = self.dictionary.by_name.get(&folded);
        let index = self
            .dictionary
            .index_in(value.vendor, &folded)
            .or_else(|| self.dictionary.index_in(None, &folded));
        let index = match (index, named.map(Vec::as_slice)) {
            (Some(index), _) => index,
            (None, Some([index])) => *index,
            (None, Some(_)) => return Err(Fault::Ambiguous(value.attribute)),
            (None, None) if self.left_out.contains(&folded) => return Ok(()),
            (None, None) => return Err(Fault::Attribute(value.attribute)),
        };
        let run = self.dictionary.runs;
        let Some(definition) = self.dictionary.attributes.get_mut(index) else {
            return Ok(());
        };
        let Some(largest) = definition.data.largest() else {
            self.note(&value.place, Remark::Value(value.attribute));
            return Ok(());
        };
        if value.number > largest {
            return Err(Fault::Number {
                text: value.number.to_string(),
                least: 0,
                largest,
            });
        }
        let known = (definition.values.iter_mut()).find(|known| known.name.eq_ignore_ascii_case(&value.name));
        match known {
            Some(known) if known.number == value.number => {}
            Some(known) if known.run == run => {
                return Err(Fault::ValueAgain {
                    attribute: value.attribute,
                    value: value.name,
                    number: known.number,
                });
            }
            Some(known) => {
                known.number = value.number;
                known.run = run;
            }
            None => definition.values.push(NamedValue {
                name: value.name,
                number: value.number,
                run,
            }),
        }
        Ok(())
    }
}
