//! What the integration tests share: the binary under test, programs that must be there,
//! temporary folders, children that do not outlive their test.
#![allow(
    dead_code,
    reason = "every test file is a crate of its own and uses a part"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::Read;
use std::net::{IpAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub mod ansible;
pub mod base;
pub mod cfssl;
pub mod kubeadm;
pub mod lines;
pub mod load;
pub mod members;
pub mod node;
pub mod offered;
pub mod public;
pub mod renewal;
pub mod rotation;
pub mod shown;
pub mod snapshot;
pub mod tree;
pub mod trees;

/// Long enough for sixteen RSA keys of a debug build on a busy machine.
pub const RUN_LIMIT: Duration = Duration::from_mins(4);

/// What the tests' cluster is told of itself.
pub const CLUSTER: [&str; 6] = [
    "--node-name",
    "cp1",
    "--apiserver-advertise-address",
    "10.0.0.10",
    "--key-algorithm",
    "ECDSA-P256",
];

/// `inner` with a fault of the system's.
pub fn struck(inner: &Command, fault: &str, path: Option<&Path>) -> Command {
    let mut command = Command::new(tool("strace"));
    command.args(["-f", "-o", "/dev/null"]);
    if let Some(path) = path {
        command.arg("-P").arg(path);
    }
    command
        .args(["-e", &format!("inject={fault}")])
        .arg(inner.get_program())
        .args(inner.get_args());
    command
}

/// `certs all` over `place`.
pub fn all(place: &Path, more: &[&str]) -> Command {
    let mut command = certs(&["all", "--kubernetes-dir", text(place)]);
    command.args(CLUSTER).args(more);
    command
}

/// A certificate that nobody signed but its own key, which lies in the file that is named first.
pub fn signed_by_itself([key, certificate]: [&Path; 2], arguments: &[&str]) {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["req", "-x509", "-nodes", "-newkey", "ec"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-keyout", text(key), "-out", text(certificate)]);
    run(openssl.args(arguments)).expect(0);
}

/// A copy of a tree that was made once, with links and owners.
pub fn tree_of_all() -> TempDir {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let place = TempDir::new();
        run(&mut all(place.path(), &[])).expect(0);
        place
    });
    let place = TempDir::new();
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(made.join(".")).arg(place.path());
    run(&mut copy).expect(0);
    place
}

/// The program under test: `CERTS_BIN`, else the one that cargo built for this test.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("CERTS_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_certs")), PathBuf::from);
    assert!(path.is_file(), "CERTS_BIN is no file: {}", path.display());
    path
}

/// The program under test, with the arguments, away from the caller's environment.
pub fn certs(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments);
    for name in [
        "CERTS_CA_PASSPHRASE",
        "CERTS_EXPORT_PASSWORD",
        "CLICOLOR_FORCE",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
    command
}

/// kubectl with this kubeconfig, and nothing of who runs the tests.
pub fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Finished {
    let home = TempDir::new();
    let mut command = Command::new(venv("kubectl"));
    command.env("HOME", home.path());
    for name in ["KUBECONFIG", "HTTPS_PROXY", "https_proxy"] {
        command.env_remove(name);
    }
    command.arg("--kubeconfig").arg(kubeconfig);
    run(command.args(arguments))
}

/// Runs `inner` with the clock standing at `unix` seconds, and with `umask`. A clock that went on
/// would start within that second, and sometimes reach the next.
pub fn at(unix: i64, umask: &str, inner: &Command) -> Command {
    let time = time::OffsetDateTime::from_unix_timestamp(unix).expect("a time in range");
    let (date, (hour, minute, second)) = (time.date(), time.to_hms());
    // The wrapper will not start where one of its own number, which was killed, had left its semaphore.
    let anew = "rm -f /dev/shm/sem.faketime_sem_$$ /dev/shm/faketime_shm_$$ 2>/dev/null; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command
        .env("TZ", "UTC")
        .args(["-c", anew])
        .arg(tool("faketime"))
        .arg("-f")
        .arg(format!("{date} {hour:02}:{minute:02}:{second:02}"));
    wrap(&mut command, umask, inner);
    command
}

/// Runs `inner` with `umask`.
pub fn with_umask(umask: &str, inner: &Command) -> Command {
    let mut command = Command::new("env");
    wrap(&mut command, umask, inner);
    command
}

/// Appends `sh -c 'umask …; exec …' inner…` and takes over what `inner` says of the environment.
pub fn wrap(outer: &mut Command, umask: &str, inner: &Command) {
    outer
        .arg("sh")
        .arg("-c")
        .arg("umask \"$0\"; exec \"$@\"")
        .arg(umask)
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(directory) = inner.get_current_dir() {
        outer.current_dir(directory);
    }
}

/// What a finished program left.
pub struct Finished {
    command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The exit code was `code`; otherwise the test ends with all that the program said.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert!(
            self.status.code() == Some(code),
            "expected exit code {code}\n{self}"
        );
        self
    }

    /// The program failed and said `words` on either stream.
    #[track_caller]
    pub fn expect_failure(self, words: &str) -> Self {
        assert!(!self.status.success(), "expected a failure\n{self}");
        assert!(
            self.stdout.contains(words) || self.stderr.contains(words),
            "expected the words {words:?}\n{self}"
        );
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n{}", self.command, self.status)?;
        write!(
            out,
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

/// Runs a program to its end, without standard input; one that hangs is killed and fails the test.
#[track_caller]
pub fn run(command: &mut Command) -> Finished {
    run_within(RUN_LIMIT, command)
}

/// The same for a program that may take another time.
#[track_caller]
pub fn run_within(limit: Duration, command: &mut Command) -> Finished {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
    let stdout = drain(child.stdout.take().expect("stdout is piped"));
    let stderr = drain(child.stderr.take().expect("stderr is piped"));
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().expect("wait for a child") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("kill a child");
            panic!("ran longer than {limit:?}: {shown}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let shown_completion = shown.contains("\"completion\"");
    let finished = Finished {
        command: shown,
        status,
        stdout: stdout.join().expect("read stdout"),
        stderr: stderr.join().expect("read stderr"),
    };
    // What a completion script quotes is for the shell.
    let said = [&finished.stdout, &finished.stderr];
    for said in said.into_iter().filter(|_| !shown_completion) {
        if let Some(reason) = offered::refused(said) {
            panic!("offers a command that is none: {reason}\n{finished}");
        }
    }
    finished
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("read a pipe");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A server that is killed, by its process id, when the test ends, however it ends.
pub struct Server {
    child: Child,
    /// Standard output and standard error.
    pub log: PathBuf,
}

impl Server {
    /// Starts the command; it dies with the thread that starts it.
    pub fn start(command: &Command, log: &Path) -> Self {
        let file = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("open a log");
        let mut outer = Command::new(tool("setpriv"));
        outer.args(["--pdeathsig", "KILL", "--"]);
        outer.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            outer.env(name, value.unwrap_or_default());
        }
        if let Some(directory) = command.get_current_dir() {
            outer.current_dir(directory);
        }
        let child = outer
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("share a log"))
            .stderr(file)
            .spawn()
            .expect("start a server");
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// What the server has said so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `ready` holds; a server that ends, or takes over `limit`, fails the test.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration, what: &str, mut ready: impl FnMut(&str) -> bool) {
        let deadline = Instant::now() + limit;
        loop {
            let said = self.said();
            if ready(&said) {
                return;
            }
            let ended = self.child.try_wait().expect("wait for a server");
            assert!(
                ended.is_none(),
                "server ended before {what}: {ended:?}\n{said}"
            );
            assert!(
                Instant::now() < deadline,
                "no {what} within {limit:?}\n{said}"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks the server to end, and waits until it has: what a kubelet or systemd does first.
    pub fn stop(mut self) {
        let process = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(process), Signal::SIGTERM).expect("signal a server");
        eventually(Duration::from_mins(1), || {
            let ended = self.child.try_wait().expect("wait for a server");
            ended.ok_or_else(|| format!("{} goes on", self.log.display()))
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until `attempt` gives a value, or fails the test with the last reason.
#[track_caller]
pub fn eventually<T>(limit: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(reason) if Instant::now() > deadline => panic!("not within {limit:?}: {reason}"),
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// A port of the address that nobody listened on a moment ago.
pub fn free_port(address: IpAddr) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("bind a free port");
    listener.local_addr().expect("address of a listener").port()
}

/// The Debian package of each program that the tests call.
pub const PACKAGES: [(&str, &str); 21] = [
    ("ansible", "ansible-core"),
    ("ansible-inventory", "ansible-core"),
    ("ansible-playbook", "ansible-core"),
    ("bash", "bash"),
    ("certtool", "gnutls-bin"),
    ("cfssl", "golang-cfssl"),
    ("cfssljson", "golang-cfssl"),
    ("curl", "curl"),
    ("etcd", "etcd-server"),
    ("etcdctl", "etcd-client"),
    ("faketime", "faketime"),
    ("flock", "util-linux"),
    ("keytool", "openjdk-17-jre-headless"),
    ("openssl", "openssl"),
    ("pk12util", "libnss3-tools"),
    ("script", "bsdutils"),
    ("setpriv", "util-linux"),
    ("strace", "strace"),
    ("systemd-analyze", "systemd"),
    ("tar", "tar"),
    ("unshare", "util-linux"),
];

/// Where a program is; one that is missing fails the test and names its package.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    find(name, &path).unwrap_or_else(|missing| panic!("{missing}"))
}

/// Looks for a program of [`PACKAGES`] in the folders of `path`.
pub fn find(name: &str, path: &OsStr) -> Result<PathBuf, String> {
    let (_, package) = PACKAGES
        .iter()
        .find(|(program, _)| *program == name)
        .ok_or_else(|| format!("{name} has no package in PACKAGES"))?;
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            format!("{name} is missing: install Debian's package {package} (tests/setup does)")
        })
}

/// A program of the virtual environment (`python`, `go`, `kubectl`).
#[track_caller]
pub fn venv(name: &str) -> PathBuf {
    let path = root().join(".venv/bin").join(name);
    assert!(
        path.exists(),
        "{} is missing: run tests/setup, which installs tests/requirements.txt",
        path.display()
    );
    path
}

/// The package's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file or folder under `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    root().join("tests/fixtures").join(path)
}

/// A folder that goes with the value; that of a failed test stays, and its path is told.
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes the folder, mode 0700 whatever the umask: keys lie in it.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let name = format!(
            "certs-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("make a temporary folder");
        set_mode(&path, 0o700);
        Self(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in the folder.
    pub fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

/// Removes what test programs left that have ended: a tree shared in a program is never dropped.
fn sweep() {
    let Ok(entries) = fs::read_dir(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name
            .strip_prefix("certs-")
            .and_then(|rest| rest.split('-').next());
        if let Some(process) = process
            && !Path::new("/proc").join(process).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("left for a look: {}\n", self.0.display()).as_bytes(),
            );
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Holds each row of a table, two at a time; all that do not hold are told together.
#[track_caller]
pub fn each<'a, T: Sync + 'a>(
    rows: impl Iterator<Item = &'a T> + Send,
    holds: impl Fn(&T) -> Result<(), String> + Sync,
) {
    let rows = Mutex::new(rows);
    let wrong = Mutex::new(Vec::new());
    let take = || rows.lock().expect("rows").next();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(row) = take() {
                    if let Err(text) = holds(row) {
                        wrong.lock().expect("wrong").push(text);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("wrong");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Sets permission bits.
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
}

/// Permission bits.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o7777
}

/// The text of a path, for arguments.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("the tests' paths are UTF-8")
}

/// Reads a text file.
#[track_caller]
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a file that only its owner reads.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    set_mode(path, 0o600);
}

/// Writes what nobody else may read.
pub fn write_secret(path: &Path, bytes: impl AsRef<[u8]>) {
    write(path, bytes);
    set_mode(path, 0o600);
}

/// A field `NAME-data` of a kubeconfig, decoded; found by its line, so that our parser has no say.
#[track_caller]
pub fn kubeconfig_data(kubeconfig: &Path, field: &str) -> Vec<u8> {
    let content = read(kubeconfig);
    let marker = format!("{field}:");
    let mut values = content
        .lines()
        .filter_map(|line| line.trim().strip_prefix(&marker));
    let value = values
        .next()
        .unwrap_or_else(|| panic!("{} has no {field}", kubeconfig.display()));
    assert!(
        values.next().is_none(),
        "{} has {field} twice",
        kubeconfig.display()
    );
    Base64::decode_vec(value.trim()).expect("base64 on one line")
}

/// Every file and folder below `folder`, as sorted relative paths.
pub fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(&next).expect("read a folder") {
            let entry = entry.expect("read a folder's entry");
            let path = entry.path();
            if entry.file_type().expect("type of an entry").is_dir() {
                todo.push(path.clone());
            }
            found.push(
                path.strip_prefix(folder)
                    .expect("below the folder")
                    .to_owned(),
            );
        }
    }
    found.sort();
    found
}
