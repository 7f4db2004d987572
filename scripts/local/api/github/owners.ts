import { param, Refusal, type Route } from '../route.ts';
import type { Access } from './access.ts';
import { type Hub, sameName } from './hub.ts';
import { accountAnswer } from './repositories.ts';

/** Accounts, and what the token's own one may still ask. An owner who is no organization is a user. */
export function ownerRoutes(hub: Hub): readonly Route<Access>[] {
  return [
    {
      method: 'GET',
      path: '/orgs/:org',
      handle(request) {
        const org = hub.organizations.find((name) => sameName(name, request.params.org));
        if (!org) throw new Refusal(404, 'Not Found');
        return { status: 200, body: { ...accountAnswer(hub, request, org), description: null, name: org } };
      },
    },
    {
      method: 'GET',
      path: '/users/:login',
      handle(request) {
        const login = param(request, 'login');
        const owners = [
          request.access.login,
          ...hub.organizations,
          ...hub.state.repositories.map(({ owner }) => owner),
        ];
        const known = owners.find((owner) => sameName(owner, login));
        if (!known) throw new Refusal(404, 'Not Found');
        return { status: 200, body: accountAnswer(hub, request, known) };
      },
    },
    {
      method: 'GET',
      path: '/user',
      handle: (request) => ({ status: 200, body: accountAnswer(hub, request, request.access.login) }),
    },
    {
      method: 'GET',
      path: '/rate_limit',
      handle({ access }) {
        const { limit, used, remaining, reset } = access.standing;
        const rate = { limit, used, remaining, reset };
        return { status: 200, body: { resources: { core: rate, search: rate, graphql: rate }, rate } };
      },
    },
  ];
}
