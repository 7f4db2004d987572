import { RefreshError } from '../../model/errors.ts';
import type { Deployment } from './deployment.ts';
import { contains, isSecret, type Properties } from './property.ts';
import { type RegisterResourceRequest, readRegistration, type Struct } from './registration.ts';
import type { StateFile } from './state.ts';

type Callback<Answer> = (error: Error | null, answer?: Answer) => void;

interface InvokeRequest {
  getTok(): string;
  getArgs(): Struct | undefined;
  getProvider(): string;
}

interface Named {
  getType(): string;
  getName(): string;
  getParent(): string;
}

interface ReadResourceRequest extends Named {
  getId(): string;
  getProvider(): string;
}

interface OutputsRequest {
  getUrn(): string;
  getOutputs(): Struct | undefined;
}

/** SUCCESS in the SDK's protocol. */
const success = 0;

/** Of the SDK's ResourceMonitorFeature, those that this monitor has. A program that needs another is told so. */
const feature = { secrets: 0, aliasSpecs: 3, deletedWith: 5 } as const;

/**
 * Stands where the SDK expects the connection to Pulumi's engine. After the first failure nothing is answered any
 * more: what was begun ends, what depends on the failure never begins, and `failed` says why.
 */
export class Monitor {
  readonly failed: Promise<never>;
  readonly #deployment: Deployment;
  readonly #file: StateFile;
  readonly #project: string;
  readonly #stack: string;
  readonly #fail: (error: unknown) => void;
  #failure: { readonly error: unknown } | undefined;
  #underWay = 0;

  constructor(options: { deployment: Deployment; file: StateFile; project: string; stack: string }) {
    this.#deployment = options.deployment;
    this.#file = options.file;
    this.#project = options.project;
    this.#stack = options.stack;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    // Whoever waits for the run is told; nobody may be waiting yet.
    promise.catch(() => undefined);
  }

  /** Ends the run with this error once the operations under way have ended. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    if (this.#underWay === 0) this.#fail(this.#failure.error);
  }

  registerResource(request: RegisterResourceRequest, answer: Callback<object>): void {
    const urn = this.#urnOf(request);
    this.#operate(answer, async () => {
      const { id, outputs } = await this.#deployment.register(readRegistration(request, urn));
      return {
        getUrn: () => urn,
        getId: () => id,
        getObject: () => structOf(outputs),
        getPropertydependenciesMap: () => undefined,
        getResult: () => success,
        getUnknown: () => false,
      };
    });
  }

  invoke(request: InvokeRequest, answer: Callback<object>): void {
    this.#operate(answer, async () => {
      const inputs = request.getArgs()?.toJavaScript() ?? {};
      const outputs = await this.#deployment.invoke(request.getTok(), inputs, request.getProvider());
      return { getFailuresList: () => [], getReturn: () => structOf(outputs), getUnknown: () => false };
    });
  }

  registerResourceOutputs(request: OutputsRequest, answer: Callback<object>): void {
    this.#operate(answer, async () => {
      const record = this.#file.state.resources.get(request.getUrn());
      const outputs = request.getOutputs()?.toJavaScript() ?? {};
      if (record) this.#file.state.resources.set(record.urn, { ...record, outputs });
      if (record?.type === 'pulumi:pulumi:Stack') this.#file.state.outputs = outputs;
      return {};
    });
  }

  readResource(request: ReadResourceRequest, answer: Callback<object>): void {
    const urn = this.#urnOf(request);
    this.#operate(answer, async () => {
      const [type, name, id] = [request.getType(), request.getName(), request.getId()];
      const outputs =
        type === 'pulumi:pulumi:StackReference'
          ? this.#ownOutputs(id)
          : await this.#deployment.read(type, name, id, request.getProvider());
      return { getUrn: () => urn, getProperties: () => structOf(outputs), getUnknown: () => false };
    });
  }

  getDeploymentInfo(_request: object, answer: Callback<object>): void {
    answer(null, { getSupportedfeaturesList: () => Object.values(feature) });
  }

  /** The SDK closes its connection at the end of the program. */
  close(): void {
    this.#failure ??= { error: new Error('the program has ended') };
  }

  #operate(answer: Callback<object>, work: () => Promise<object>): void {
    if (this.#failure) return;
    this.#underWay += 1;
    work()
      .then(
        (result) => answer(null, result),
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => {
        this.#underWay -= 1;
        if (this.#failure && this.#underWay === 0) this.#fail(this.#failure.error);
      })
      .catch((error: unknown) => this.fail(error));
  }

  /** A reference of the stack to itself: what its last run that went through has left. There is no other stack here. */
  #ownOutputs(name: string): Properties {
    const [, project, stack] = name.split('/');
    if (project !== this.#project || stack !== this.#stack) {
      throw new RefreshError('not-permitted', 'the in-process apply knows one stack only', {
        object: name,
        hint: 'install the Pulumi CLI: with it on PATH stacks can refer to each other',
      });
    }
    const { outputs } = this.#file.state;
    const secret = Object.entries(outputs).filter(([, value]) => contains(value, isSecret));
    return { name, outputs, secretOutputNames: secret.map(([key]) => key) };
  }

  #urnOf(request: Named): string {
    const parent = request.getParent();
    const parentType = parent.split('::')[2] ?? '';
    const prefix = parent === '' || parentType === 'pulumi:pulumi:Stack' ? '' : `${parentType}$`;
    return `urn:pulumi:${this.#stack}::${this.#project}::${prefix}${request.getType()}::${request.getName()}`;
  }
}

function structOf(properties: Properties): Struct {
  return { toJavaScript: () => properties };
}
