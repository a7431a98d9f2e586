//! The templates of a manifest: `${node}`, `${address}`, `${others:,:<address>:2380}`. What is unknown is an error, never an
//! empty text.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use schism_nodes::NodeId;

/// What a template may name at one node.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The node.
    pub node: NodeId,
    /// The address of every node.
    pub hosts: &'a BTreeMap<NodeId, IpAddr>,
    /// The node's folder, in which its process runs.
    pub folder: &'a Path,
    /// The ports by name.
    pub ports: &'a BTreeMap<String, u16>,
    /// The parameters.
    pub parameters: &'a BTreeMap<String, String>,
}

/// A template that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no such name.
    #[error("${{{name}}} is not known; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// A brace is not closed.
    #[error("${{{rest} has no closing brace")]
    Open {
        /// What follows the opening one.
        rest: String,
    },
}

impl Scene<'_> {
    /// A text with its templates filled in.
    pub fn fill(&self, text: &str) -> Result<String, TemplateError> {
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let open = || TemplateError::Open { rest: after.chars().take(20).collect() };
            let (name, behind) = after.split_once('}').ok_or_else(open)?;
            filled.push_str(&self.value(name)?);
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// A command line with its templates filled in.
    pub fn fill_all(&self, words: &[String]) -> Result<Vec<String>, TemplateError> {
        words.iter().map(|word| self.fill(word)).collect()
    }

    /// The values of a table with their templates filled in.
    pub fn fill_table(&self, table: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, TemplateError> {
        table.iter().map(|(name, text)| Ok((name.clone(), self.fill(text)?))).collect()
    }

    fn value(&self, name: &str) -> Result<String, TemplateError> {
        let known = match name {
            "node" => Some(self.node.to_string()),
            "index" => Some(self.node.0.to_string()),
            "address" => self.hosts.get(&self.node).map(ToString::to_string),
            "folder" => Some(self.folder.display().to_string()),
            "data" => Some(self.folder.join("data").display().to_string()),
            "nodes" => Some(self.hosts.len().to_string()),
            _ => self.compound(name),
        };
        known.or_else(|| self.parameters.get(name).cloned()).ok_or_else(|| self.unknown(name))
    }

    /// `port.NAME`, `n1.address`, `all:SEPARATOR:ITEM`, `others:SEPARATOR:ITEM`.
    fn compound(&self, name: &str) -> Option<String> {
        if let Some(port) = name.strip_prefix("port.") {
            return self.ports.get(port).map(ToString::to_string);
        }
        if let Some(node) = name.strip_suffix(".address") {
            return self.hosts.get(&node.parse().ok()?).map(ToString::to_string);
        }
        let (which, list) = name.split_once(':')?;
        let (separator, item) = list.split_once(':')?;
        let others = match which {
            "all" => false,
            "others" => true,
            _ => return None,
        };
        let hosts = self.hosts.iter().filter(|(node, _)| !others || **node != self.node);
        let items = hosts.map(|(node, address)| {
            let item = item.replace("<node>", &node.to_string()).replace("<index>", &node.0.to_string());
            item.replace("<address>", &address.to_string())
        });
        Some(items.collect::<Vec<_>>().join(separator))
    }

    fn unknown(&self, name: &str) -> TemplateError {
        let fixed = ["node", "index", "address", "folder", "data", "nodes", "n1.address"].map(ToOwned::to_owned);
        let lists = ["all:SEPARATOR:ITEM", "others:SEPARATOR:ITEM"].map(ToOwned::to_owned);
        let ports = self.ports.keys().map(|port| format!("port.{port}"));
        let known: Vec<String> =
            fixed.into_iter().chain(ports).chain(lists).chain(self.parameters.keys().cloned()).collect();
        TemplateError::Unknown { name: name.to_owned(), known: known.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let hosts = (1..=3).map(|n| (NodeId(n), IpAddr::from([10, 0, 0, u8::try_from(n).unwrap_or(0)]))).collect();
        let ports = BTreeMap::from([("client".to_owned(), 2379)]);
        let parameters = BTreeMap::from([("reads".to_owned(), "quorum".to_owned())]);
        let scene = Scene {
            node: NodeId(2),
            hosts: &hosts,
            folder: Path::new("/r/n2"),
            ports: &ports,
            parameters: &parameters,
        };
        scene.fill(text).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_lists_are_filled_in() {
        for (text, expected) in [
            ("plain {braces} $5", "plain {braces} $5"),
            ("${node} ${index} ${address}:${port.client}", "n2 2 10.0.0.2:2379"),
            ("${data}|${folder}|${nodes}|${reads}", "/r/n2/data|/r/n2|3|quorum"),
            ("${n1.address}", "10.0.0.1"),
            ("${all:,:<node>=http://<address>:1}", "n1=http://10.0.0.1:1,n2=http://10.0.0.2:1,n3=http://10.0.0.3:1"),
            ("${others:\n:server.<index>}", "server.1\nserver.3"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_told_with_what_there_is() {
        assert!(filled("${port.peer}").unwrap_err().contains("port.client"));
        assert!(filled("${n9.address}").unwrap_err().contains("is not known"));
        assert!(filled("${some:,:x}").unwrap_err().contains("is not known"));
        assert_eq!(filled("a ${node").unwrap_err(), "${node has no closing brace");
    }
}
