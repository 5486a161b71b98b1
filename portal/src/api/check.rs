//! Whether a value fits a schema: the part of JSON Schema 2020-12 that our document uses. A message names the place and
//! the rule, never the value, which may be a password.

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

/// Deepest nesting of schemas that is followed.
const DEEP: u32 = 16;

/// Longest pattern that a message shows.
const SHOWN: usize = 60;

/// The schemas of the document, by name, and their patterns.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    named: HashMap<String, Value>,
    patterns: HashMap<String, Regex>,
}

impl Schemas {
    /// Of a whole document.
    pub(super) fn new(document: &Value) -> Self {
        let mut schemas = Self::default();
        if let Some(all) = document.pointer("/components/schemas").and_then(Value::as_object) {
            schemas.named = all.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        }
        schemas.collect(document);
        schemas
    }

    /// Compiles every pattern below `value`. One that does not compile matches nothing; a test sees to it that there is none.
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(pattern)) = fields.get("pattern")
                    && let Ok(regex) = Regex::new(pattern)
                {
                    self.patterns.insert(pattern.clone(), regex);
                }
                fields.values().for_each(|field| self.collect(field));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    /// The schema itself, where this is a reference.
    pub(super) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        name.and_then(|name| name.strip_prefix("#/components/schemas/"))
            .and_then(|name| self.named.get(name))
            .unwrap_or(schema)
    }

    /// Checks `value`, which stands at `at`.
    ///
    /// # Errors
    /// Place and rule in words.
    pub(super) fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        self.fits(schema, value, at, DEEP)
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str, deep: u32) -> Result<(), String> {
        let deep = deep
            .checked_sub(1)
            .ok_or_else(|| format!("{at} is nested too deeply"))?;
        let schema = self.resolved(schema);
        for word in ["oneOf", "anyOf"] {
            if let Some(ways) = schema.get(word).and_then(Value::as_array)
                && !ways.iter().any(|way| self.fits(way, value, at, deep).is_ok())
            {
                return Err(format!("{at} is of none of the kinds that are described"));
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            all.iter().try_for_each(|part| self.fits(part, value, at, deep))?;
        }
        kind(schema, value, at)?;
        if let Some(options) = schema.get("enum").and_then(Value::as_array)
            && !options.contains(value)
        {
            let words: Vec<String> = options.iter().map(word).collect();
            return Err(format!("{at} is one of: {}", words.join(", ")));
        }
        match value {
            Value::String(text) => self.text(schema, text, at),
            Value::Number(_) => number(schema, value, at),
            Value::Array(items) => {
                amount(schema, items.len(), at)?;
                let Some(each) = schema.get("items") else {
                    return Ok(());
                };
                (items.iter().enumerate())
                    .try_for_each(|(n, item)| self.fits(each, item, &format!("{at}[{n}]"), deep))
            }
            Value::Object(fields) => self.object(schema, fields, at, deep),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn text(&self, schema: &Value, text: &str, at: &str) -> Result<(), String> {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let (least, most) = (limit(schema, "minLength"), limit(schema, "maxLength"));
        if least.is_some_and(|least| length < least) {
            return Err(format!(
                "{at} has at least {} characters",
                least.unwrap_or_default()
            ));
        }
        if most.is_some_and(|most| length > most) {
            return Err(format!(
                "{at} has at most {} characters",
                most.unwrap_or_default()
            ));
        }
        match schema.get("pattern").and_then(Value::as_str) {
            Some(pattern)
                if !self
                    .patterns
                    .get(pattern)
                    .is_some_and(|regex| regex.is_match(text)) =>
            {
                let form = if pattern.len() <= SHOWN {
                    pattern
                } else {
                    "that is described"
                };
                Err(format!("{at} is not of the form {form}"))
            }
            _ => Ok(()),
        }
    }

    fn object(
        &self,
        schema: &Value,
        fields: &serde_json::Map<String, Value>,
        at: &str,
        deep: u32,
    ) -> Result<(), String> {
        let known = schema.get("properties").and_then(Value::as_object);
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(name) = name.as_str()
                && !fields.contains_key(name)
            {
                return Err(format!("{at}.{name} is missing"));
            }
        }
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, field) in fields {
            match known.and_then(|known| known.get(name)) {
                Some(inner) => self.fits(inner, field, &format!("{at}.{name}"), deep)?,
                None if closed => {
                    let names: Vec<&str> = known.into_iter().flatten().map(|(n, _)| n.as_str()).collect();
                    return Err(format!(
                        "{at} has a field that is not known; known are: {}",
                        names.join(", ")
                    ));
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn limit(schema: &Value, word: &str) -> Option<u64> {
    schema.get(word).and_then(Value::as_u64)
}

fn word(option: &Value) -> String {
    option.as_str().map_or_else(|| option.to_string(), str::to_owned)
}

/// Whether `value` is of the type, or one of the types, that `schema` names.
fn kind(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let is = |name: &Value| match name.as_str().unwrap_or_default() {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    };
    let (fits, wanted) = match schema.get("type") {
        None => return Ok(()),
        Some(Value::Array(names)) => {
            let words: Vec<String> = names.iter().map(word).collect();
            (names.iter().any(is), words.join(" or "))
        }
        Some(name) => (is(name), word(name)),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at} is of type {wanted}"))
    }
}

fn number(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let number = value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from));
    let bound = |word| schema.get(word).and_then(Value::as_i64).map(i128::from);
    let Some(number) = number else { return Ok(()) };
    match (bound("minimum"), bound("maximum")) {
        (Some(least), _) if number < least => Err(format!("{at} is at least {least}")),
        (_, Some(most)) if number > most => Err(format!("{at} is at most {most}")),
        _ => Ok(()),
    }
}

fn amount(schema: &Value, items: usize, at: &str) -> Result<(), String> {
    let items = u64::try_from(items).unwrap_or(u64::MAX);
    match (limit(schema, "minItems"), limit(schema, "maxItems")) {
        (Some(least), _) if items < least => Err(format!("{at} has at least {least} entries")),
        (_, Some(most)) if items > most => Err(format!("{at} has at most {most} entries")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemas() -> Schemas {
        Schemas::new(&json!({ "components": { "schemas": {
            "Name": { "type": "string", "minLength": 1, "maxLength": 4, "pattern": "^[a-z]+$" },
            "Thing": {
                "type": "object", "required": ["name"], "additionalProperties": false,
                "properties": {
                    "name": { "$ref": "#/components/schemas/Name" },
                    "count": { "type": "integer", "minimum": 1, "maximum": 3 },
                    "kind": { "type": "string", "enum": ["a", "b"] },
                    "names": { "type": "array", "maxItems": 2, "items": { "$ref": "#/components/schemas/Name" } },
                    "inner": { "oneOf": [{ "$ref": "#/components/schemas/Thing" }] },
                },
            },
        } } }))
    }

    #[test]
    fn what_fits_passes_and_what_does_not_is_named() {
        let schemas = schemas();
        let thing = json!({ "$ref": "#/components/schemas/Thing" });
        for good in [
            json!({ "name": "ab" }),
            json!({ "name": "ab", "count": 3, "kind": "b", "names": ["x", "y"], "inner": { "name": "z" } }),
        ] {
            assert_eq!(schemas.check(&thing, &good, "body"), Ok(()));
        }
        for (bad, words) in [
            (json!([]), "body is of type object"),
            (json!({}), "body.name is missing"),
            (json!({ "name": "" }), "body.name has at least 1 characters"),
            (json!({ "name": "abcde" }), "body.name has at most 4 characters"),
            (json!({ "name": "A" }), "body.name is not of the form ^[a-z]+$"),
            (json!({ "name": "a\n" }), "body.name is not of the form ^[a-z]+$"),
            (json!({ "name": null }), "body.name is of type string"),
            (json!({ "name": "a", "count": 4 }), "body.count is at most 3"),
            (json!({ "name": "a", "count": 0 }), "body.count is at least 1"),
            (json!({ "name": "a", "count": -1 }), "body.count is at least 1"),
            (
                json!({ "name": "a", "count": u64::MAX }),
                "body.count is at most 3",
            ),
            (
                json!({ "name": "a", "count": 1.5 }),
                "body.count is of type integer",
            ),
            (json!({ "name": "a", "kind": "c" }), "body.kind is one of: a, b"),
            (
                json!({ "name": "a", "names": ["a", "b", "c"] }),
                "body.names has at most 2 entries",
            ),
            (
                json!({ "name": "a", "names": ["a", "B"] }),
                "body.names[1] is not of the form ^[a-z]+$",
            ),
            (
                json!({ "name": "a", "inner": {} }),
                "body.inner is of none of the kinds that are described",
            ),
            (
                json!({ "name": "a", "nmae": "secret" }),
                "body has a field that is not known; known are: count, inner, kind, name, names",
            ),
        ] {
            assert_eq!(schemas.check(&thing, &bad, "body"), Err(words.to_owned()));
        }
    }
}
