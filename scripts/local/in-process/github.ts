import sodium from 'libsodium-wrappers';
import { RefreshError } from '../../model/errors.ts';
import { ApiClient, ApiError, objectIn } from './api-client.ts';
import { type Properties, textOf } from './property.ts';
import type { LaterStep, Package, ResourceKind, Step } from './provider.ts';

/** The part of the github package that the program uses, call for call as the real provider makes it. */
export const gitHub: Package = {
  kinds: {
    'github:index/actionsSecret:ActionsSecret': secret(['repository', 'secretName'], repositorySecrets),
    'github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret': secret(
      ['repository', 'environment', 'secretName'],
      environmentSecrets,
    ),
    'github:index/actionsVariable:ActionsVariable': actionsVariable(),
    'github:index/repositoryEnvironment:RepositoryEnvironment': repositoryEnvironment(),
    'github:index/repositoryFile:RepositoryFile': repositoryFile(),
  },
  functions: {
    'github:index/getRepository:getRepository': getRepository,
    'github:index/getBranch:getBranch': getBranch,
  },
};

function secret(replaceOn: readonly string[], folderOf: (step: Step) => Promise<string>): ResourceKind {
  const put = async (step: Step): Promise<Properties> => {
    const folder = await folderOf(step);
    const api = clientOf(step.provider);
    const key = await api.request('GET', `${folder}/public-key`);
    const value = textOf(step.inputs, 'value') ?? textOf(step.inputs, 'plaintextValue') ?? '';
    const name = String(step.inputs.secretName);
    const sealed = {
      key_id: key.key_id ?? null,
      encrypted_value: await sealFor(String(key.key), value),
    };
    await api.request('PUT', `${folder}/${encodeURIComponent(name)}`, sealed);
    const stored = await api.request('GET', `${folder}/${encodeURIComponent(name)}`);
    return {
      ...step.inputs,
      keyId: key.key_id ?? null,
      createdAt: stored.created_at ?? null,
      updatedAt: stored.updated_at ?? null,
    };
  };
  return {
    replaceOn,
    deleteFirst: false,
    secretOutputs: ['encryptedValue', 'plaintextValue', 'value', 'valueEncrypted'],
    async create(step) {
      return { id: replaceOn.map((name) => step.inputs[name]).join(':'), outputs: await put(step) };
    },
    update: put,
    async delete(step) {
      const api = clientOf(step.provider);
      const name = encodeURIComponent(String(step.inputs.secretName));
      if (await repositoryOf(step)) await api.delete(`${await folderOf(step)}/${name}`);
    },
  };
}

function actionsVariable(): ResourceKind {
  const pathOf = (step: Step) => `${repositoryPath(step)}/actions/variables`;
  const bodyOf = (step: Step): Properties => ({
    name: step.inputs.variableName ?? null,
    value: step.inputs.value ?? null,
  });
  const remove = (step: Step) =>
    clientOf(step.provider).delete(`${pathOf(step)}/${step.inputs.variableName}`);
  return {
    replaceOn: ['repository', 'variableName'],
    deleteFirst: false,
    secretOutputs: [],
    async create(step) {
      await clientOf(step.provider).request('POST', pathOf(step), bodyOf(step));
      return { id: `${step.inputs.repository}:${step.inputs.variableName}`, outputs: step.inputs };
    },
    async update(step) {
      await clientOf(step.provider).request(
        'PATCH',
        `${pathOf(step)}/${step.inputs.variableName}`,
        bodyOf(step),
      );
      return step.inputs;
    },
    discard: remove,
    delete: remove,
  };
}

function repositoryEnvironment(): ResourceKind {
  const pathOf = (step: Step) =>
    `${repositoryPath(step)}/environments/${encodeURIComponent(String(step.inputs.environment))}`;
  const put = async (step: Step): Promise<Properties> => {
    await clientOf(step.provider).request('PUT', pathOf(step), {
      wait_timer: step.inputs.waitTimer ?? 0,
      reviewers: null,
      can_admins_bypass: step.inputs.canAdminsBypass ?? true,
      deployment_branch_policy: null,
      prevent_self_review: step.inputs.preventSelfReview ?? false,
    });
    return step.inputs;
  };
  return {
    replaceOn: ['repository', 'environment'],
    deleteFirst: false,
    secretOutputs: [],
    async create(step) {
      return { id: `${step.inputs.repository}:${step.inputs.environment}`, outputs: await put(step) };
    },
    update: put,
    async delete(step) {
      await clientOf(step.provider).delete(pathOf(step));
    },
  };
}

function repositoryFile(): ResourceKind {
  return {
    replaceOn: ['repository', 'file', 'branch'],
    deleteFirst: false,
    secretOutputs: [],
    async create(step) {
      const repository = await repositoryOf(step);
      if (!repository) throw missingRepository(step);
      const branch = textOf(step.inputs, 'branch') ?? String(repository.default_branch);
      const present = await clientOf(step.provider).find(contentsPath(step, branch));
      if (present && step.inputs.overwriteOnCreate !== true) {
        throw new RefreshError('api-refused', 'the repository has this file already', {
          object: String(step.inputs.file),
          hint: 'set overwriteOnCreate to take it over',
        });
      }
      const file = String(step.inputs.file);
      const outputs = await putFile(step, branch, textOf(present ?? {}, 'sha'), `Add ${file}`);
      return { id: `${step.inputs.repository}:${file}:${branch}`, outputs };
    },
    async update(step) {
      const branch = String(step.outputs.branch);
      return await putFile(step, branch, textOf(step.outputs, 'sha'), `Update ${step.inputs.file}`);
    },
    async delete(step) {
      const sha = step.outputs.sha ?? null;
      const branch = step.outputs.branch ?? null;
      const message = textOf(step.inputs, 'commitMessage') ?? `Delete ${step.inputs.file}`;
      await clientOf(step.provider).delete(contentsPath(step), { message, sha, branch });
    },
  };
}

async function putFile(
  step: Step,
  branch: string,
  sha: string | undefined,
  message: string,
): Promise<Properties> {
  const author = { name: step.inputs.commitAuthor ?? null, email: step.inputs.commitEmail ?? null };
  const answer = await clientOf(step.provider).request('PUT', contentsPath(step), {
    message: textOf(step.inputs, 'commitMessage') ?? message,
    content: Buffer.from(String(step.inputs.content)).toString('base64'),
    branch,
    ...(sha ? { sha } : {}),
    ...(author.name && author.email ? { author, committer: author } : {}),
  });
  const stored = await clientOf(step.provider).request('GET', contentsPath(step, branch));
  const commitSha = objectIn(answer, 'commit').sha ?? null;
  return { ...step.inputs, branch, sha: stored.sha ?? null, commitSha, ref: branch };
}

async function getRepository(inputs: Properties, provider: Properties): Promise<Properties> {
  const [owner, name] = (textOf(inputs, 'fullName') ?? `${ownerOf(provider)}/${inputs.name}`).split('/');
  const found = await clientOf(provider).find(`/repos/${owner}/${name}`);
  // As the real provider: an absent repository is no error, its fields are.
  if (!found) return inputs;
  return {
    ...inputs,
    id: found.name ?? null,
    name: found.name ?? null,
    fullName: found.full_name ?? null,
    repoId: found.id ?? null,
    defaultBranch: found.default_branch ?? null,
    htmlUrl: found.html_url ?? null,
    visibility: found.visibility ?? null,
  };
}

async function getBranch(inputs: Properties, provider: Properties): Promise<Properties> {
  const path = `/repos/${ownerOf(provider)}/${inputs.repository}/branches/${inputs.branch}`;
  const found = await clientOf(provider).find(path);
  return found
    ? { ...inputs, id: `${inputs.repository}:${inputs.branch}`, ref: `refs/heads/${inputs.branch}` }
    : inputs;
}

async function repositorySecrets(step: Step): Promise<string> {
  return `${repositoryPath(step)}/actions/secrets`;
}

/** GitHub addresses an environment's secrets by the repository's number. */
async function environmentSecrets(step: Step): Promise<string> {
  const repository = await repositoryOf(step);
  if (!repository) throw missingRepository(step);
  return `/repositories/${repository.id}/environments/${encodeURIComponent(String(step.inputs.environment))}/secrets`;
}

async function repositoryOf(step: Step): Promise<Properties | undefined> {
  return await clientOf(step.provider).find(repositoryPath(step));
}

/** libsodium's sealed box, which only GitHub's private key opens. */
async function sealFor(publicKey: string, value: string): Promise<string> {
  await sodium.ready;
  const key = sodium.from_base64(publicKey, sodium.base64_variants.ORIGINAL);
  return sodium.to_base64(sodium.crypto_box_seal(value, key), sodium.base64_variants.ORIGINAL);
}

function clientOf(provider: Properties): ApiClient {
  const url = textOf(provider, 'baseUrl') ?? process.env.GITHUB_BASE_URL ?? 'https://api.github.com/';
  const token = textOf(provider, 'token') ?? process.env.GITHUB_TOKEN ?? '';
  const { origin, hostname } = new URL(url);
  // As the real provider: every host but GitHub's own is taken for an Enterprise Server.
  return new ApiClient(hostname === 'api.github.com' ? origin : `${origin}/api/v3`, token);
}

function ownerOf(provider: Properties): string {
  return process.env.GITHUB_OWNER ?? textOf(provider, 'owner') ?? '';
}

function repositoryPath(step: Step): string {
  return `/repos/${ownerOf(step.provider)}/${step.inputs.repository}`;
}

function contentsPath(step: Step | LaterStep, branch?: string): string {
  const path = String(step.inputs.file).split('/').map(encodeURIComponent).join('/');
  return `${repositoryPath(step)}/contents/${path}${branch ? `?ref=${encodeURIComponent(branch)}` : ''}`;
}

function missingRepository(step: Step): ApiError {
  return new ApiError(404, `GET ${repositoryPath(step)}`, 'Not Found');
}
