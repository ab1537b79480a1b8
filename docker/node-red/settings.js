// Node-RED's settings in compose.yaml. On the first start they put the flows of examples/node-red into the user folder,
// with the broker of compose.yaml in the place of the demo's; later the flows are yours.
// Passwords come from files. The broker's is put into this process's environment, where the flows look for it: what
// Node-RED stores holds its name only, so that a new password needs nothing but a restart.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const userDir = process.env.NODE_RED_USER_DIR || '/data';
const examples = process.env.NODE_RED_EXAMPLES || '/examples';
const secrets = process.env.NODE_RED_SECRETS || '/secrets';

const secret = (name) => fs.readFileSync(path.join(secrets, name), 'utf8').trimEnd();

process.env.MQTT_PASSWORD = secret('mqtt-password');

function atBroker(node) {
    return node.type === 'mqtt-broker' ? { ...node, broker: '${MQTT_BROKER}', port: '${MQTT_PORT}' } : node;
}

function importExamples() {
    const flows = path.join(userDir, 'flows.json');
    if (fs.existsSync(flows)) { return; }
    const nodes = fs.readdirSync(examples).filter((name) => name.endsWith('.json')).sort()
        .flatMap((name) => JSON.parse(fs.readFileSync(path.join(examples, name), 'utf8')))
        .filter((node) => node.type !== 'global-config'); // only tells an import which module brings the nodes
    const login = { user: '${MQTT_USER}', password: '${MQTT_PASSWORD}' };
    const brokers = nodes.filter((node) => node.type === 'mqtt-broker');
    const credentials = Object.fromEntries(brokers.map((node) => [node.id, login]));
    // The flows come last: where they are, the rest is there, too.
    fs.writeFileSync(path.join(userDir, 'flows_cred.json'), JSON.stringify(credentials));
    fs.writeFileSync(flows + '.new', JSON.stringify(nodes.map(atBroker), null, 4));
    fs.renameSync(flows + '.new', flows);
}

importExamples();

const digest = (text) => crypto.createHash('sha256').update(text).digest();
const editor = { username: 'admin', permissions: '*' };

module.exports = {
    flowFile: 'flows.json',
    flowFilePretty: true,
    uiPort: Number(process.env.PORT || 1880),
    uiHost: process.env.NODE_RED_HOST || '0.0.0.0',
    // Who may change flows may run programs: the editor asks for a password, although only this machine can reach it.
    adminAuth: {
        type: 'credentials',
        users: async (name) => (name === editor.username ? editor : null),
        authenticate: async (name, password) => {
            const right = crypto.timingSafeEqual(digest(password), digest(secret('editor-password')));
            return name === editor.username && right ? editor : null;
        },
    },
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, projects: { enabled: false } },
    logging: { console: { level: 'info', metrics: false, audit: false } },
};
