//! The options of a component → bytes, in the form that its start asks for.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::profile::flags::{Component, Setting, Value};
use crate::yaml::{self, Node};

/// `--output` of `certs flags`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An option a line.
    Args,
    /// The configuration file.
    Config,
    /// The environment.
    Env,
    /// The command of a static pod's manifest.
    Yaml,
}

/// The options, each with its value as a text. `path` gives the place of a file or directory of
/// the tree. The error is a sentence: the component has no such form, or a path fits none.
pub fn flags(
    component: &Component,
    settings: &[Setting],
    form: Form,
    path: &dyn Fn(&Value) -> Option<PathBuf>,
) -> Result<Vec<u8>, String> {
    let mut options = Vec::new();
    for setting in settings {
        options.push((setting, text(&setting.value, path)?));
    }
    let text = match form {
        Form::Args => lines(
            options
                .iter()
                .map(|(setting, value)| argument(setting, value)),
        ),
        Form::Config => config(component, &options)?,
        Form::Env => environment(component, &options)?,
        Form::Yaml => {
            let arguments = options
                .iter()
                .map(|(setting, value)| argument(setting, value));
            let command = [component.name.to_owned()].into_iter().chain(arguments);
            yaml::write(&Node::list(command.map(|text| Node::text(&text)))).to_string()
        }
    };
    Ok(text.into_bytes())
}

fn text(value: &Value, path: &dyn Fn(&Value) -> Option<PathBuf>) -> Result<String, String> {
    let path = match value {
        Value::Text(text) if text.contains(char::is_control) => {
            return Err(format!(
                "{text:?}: an option cannot hold control characters: leave them out"
            ));
        }
        Value::Text(text) => return Ok(text.clone()),
        Value::True => return Ok("true".to_owned()),
        Value::Directory(_) | Value::File(_) | Value::Signing { .. } => path(value).ok_or(
            "the working directory is not there: give directories from the root of the file system",
        )?,
    };
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err(format!(
            "{:?}: an option cannot hold this path: use one in UTF-8 without control characters",
            path.display().to_string()
        )),
    }
}

fn argument(setting: &Setting, value: &str) -> String {
    format!("--{}={value}", setting.flag)
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

fn config(component: &Component, options: &[(&Setting, String)]) -> Result<String, String> {
    let Some(config) = component.config else {
        return Err(format!(
            "{} has no configuration file that these options could stand in: \
             choose --output args or yaml",
            component.name
        ));
    };
    let mut document = Node::map([
        ("apiVersion", Node::text(config.version)),
        ("kind", Node::text(config.kind)),
    ]);
    for (setting, text) in options {
        let value = match setting.value {
            Value::True => yaml::Value::Bool(true).into(),
            _ => Node::text(text),
        };
        if let Some(field) = setting.field {
            set(&mut document, field, value);
        }
    }
    let mut text = yaml::write(&document).to_string();
    let beside: Vec<_> = options
        .iter()
        .filter(|(setting, _)| setting.field.is_none())
        .collect();
    if !beside.is_empty() {
        text.push_str("# Beside this file, as options:\n");
        for (setting, value) in beside {
            let _ = writeln!(text, "#   {}", argument(setting, value));
        }
    }
    Ok(text)
}

/// Sets the field at a path of names with dots between.
fn set(node: &mut Node, path: &str, value: Node) {
    let Some((name, rest)) = path.split_once('.') else {
        node.insert(path, value);
        return;
    };
    if node.get(name).is_none() {
        node.insert(name, Node::map([]));
    }
    if let Some(inner) = node.get_mut(name) {
        set(inner, rest, value);
    }
}

fn environment(component: &Component, options: &[(&Setting, String)]) -> Result<String, String> {
    let Some(prefix) = component.environment else {
        return Err(format!(
            "{} takes no options from the environment: choose --output args or yaml",
            component.name
        ));
    };
    let line = |(setting, value): &(&Setting, String)| {
        let name = setting.flag.replace('-', "_").to_ascii_uppercase();
        format!("{prefix}{name}={}", quoted(value))
    };
    Ok(lines(options.iter().map(line)))
}

/// As systemd's `EnvironmentFile` and a shell read it (systemd.exec(5)).
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.:,=_-[]%@+".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::{FileId, Root};
    use crate::profile::flags::component;

    fn settings() -> Vec<Setting> {
        let setting = |flag, field, value| Setting { flag, field, value };
        vec![
            setting("cert-dir", None, Value::Directory(Root::Kubelet)),
            setting(
                "client-ca-file",
                Some("authentication.x509.clientCAFile"),
                Value::File(FileId::new(Root::Pki, "ca.crt")),
            ),
            setting(
                "rotate-certificates",
                Some("rotateCertificates"),
                Value::True,
            ),
            setting(
                "tls-cert-file",
                Some("tlsCertFile"),
                Value::Text("yes".into()),
            ),
        ]
    }

    fn render(name: &str, form: Form, directory: &str) -> Result<String, String> {
        let path = |value: &Value| {
            Some(match value {
                Value::File(file) => PathBuf::from(directory).join(&file.name),
                _ => PathBuf::from(directory),
            })
        };
        flags(component(name).unwrap(), &settings(), form, &path)
            .map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn arguments_stand_in_lines_and_in_a_manifest_s_list() {
        assert_eq!(
            render("kubelet", Form::Args, "/k").unwrap(),
            "--cert-dir=/k\n--client-ca-file=/k/ca.crt\n--rotate-certificates=true\n--tls-cert-file=yes\n"
        );
        assert_eq!(
            render("kubelet", Form::Yaml, "/k").unwrap(),
            "- kubelet\n- --cert-dir=/k\n- --client-ca-file=/k/ca.crt\n- --rotate-certificates=true\n- --tls-cert-file=yes\n"
        );
    }

    #[test]
    fn a_configuration_file_has_its_fields_and_tells_the_options_beside_it() {
        assert_eq!(
            render("kubelet", Form::Config, "/k").unwrap(),
            "apiVersion: kubelet.config.k8s.io/v1beta1\n\
             authentication:\n  x509:\n    clientCAFile: /k/ca.crt\n\
             kind: KubeletConfiguration\n\
             rotateCertificates: true\n\
             tlsCertFile: \"yes\"\n\
             # Beside this file, as options:\n#   --cert-dir=/k\n"
        );
        let refused = render("kube-scheduler", Form::Config, "/k").unwrap_err();
        assert!(
            refused.starts_with("kube-scheduler has no configuration file"),
            "{refused}"
        );
    }

    #[test]
    fn the_environment_is_quoted_where_a_reader_would_take_it_apart() {
        let text = render("etcd", Form::Env, "/a b$`\"\\c").unwrap();
        assert_eq!(
            text,
            "ETCD_CERT_DIR=\"/a b\\$\\`\\\"\\\\c\"\n\
             ETCD_CLIENT_CA_FILE=\"/a b\\$\\`\\\"\\\\c/ca.crt\"\n\
             ETCD_ROTATE_CERTIFICATES=true\nETCD_TLS_CERT_FILE=yes\n"
        );
        let refused = render("kubelet", Form::Env, "/k").unwrap_err();
        assert!(
            refused.starts_with("kubelet takes no options from"),
            "{refused}"
        );
    }

    #[test]
    fn a_path_that_is_not_known_is_refused() {
        let component = component("kubelet").unwrap();
        let refused = flags(component, &settings(), Form::Args, &|_| None).unwrap_err();
        assert!(refused.starts_with("the working directory"), "{refused}");
    }

    #[test]
    fn a_path_that_would_break_a_line_is_refused() {
        let refused = render("kubelet", Form::Args, "/k\nx").unwrap_err();
        assert!(refused.contains("/k\\nx"), "{refused}");
    }
}
