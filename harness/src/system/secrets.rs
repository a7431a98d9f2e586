//! What must not be written anywhere: the values of the variables that a manifest calls secret.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Secrets by their names, with their values.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// The values of these variables in our own environment; the names of those that are not there.
    pub fn of_environment(names: &[String]) -> Result<Self, Vec<String>> {
        let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
        for name in names {
            match std::env::var(name) {
                Ok(value) => drop(found.insert(name.clone(), value)),
                Err(_) => missing.push(name.clone()),
            }
        }
        if missing.is_empty() { Ok(Secrets(found)) } else { Err(missing) }
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// For the environment of a process.
    pub fn environment(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// A text without them.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for value in self.0.values().filter(|value| !value.is_empty()) {
            if masked.contains(value.as_str()) {
                masked = Cow::Owned(masked.replace(value.as_str(), MASK));
            }
        }
        masked
    }

    /// A value without them, in whatever text of it.
    pub fn mask_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.mask_value(field)),
            _ => {}
        }
    }
}

#[cfg(test)]
impl Secrets {
    /// These.
    pub(crate) fn with<const N: usize>(secrets: [(&str, &str); N]) -> Self {
        Secrets(secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        let secrets = Secrets::with([("A", "hunter2"), ("B", "")]);
        assert_eq!(secrets.mask("login hunter2, hunter2"), "login ***, ***");
        assert_eq!(secrets.mask("nothing"), "nothing");
        let mut value = json!({ "a": ["hunter2x", 5], "b": "hunter" });
        secrets.mask_value(&mut value);
        assert_eq!(value, json!({ "a": ["***x", 5], "b": "hunter" }));
        assert_eq!(format!("{secrets:?}"), r#"["A", "B"]"#);
        assert_eq!(
            Secrets::of_environment(&["NO_SUCH_VARIABLE_HERE".to_owned()]).unwrap_err(),
            ["NO_SUCH_VARIABLE_HERE"]
        );
    }
}
