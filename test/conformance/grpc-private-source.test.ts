import { openGrpcSource } from '../../src/server/private-sources/grpc-source.js';
import { startSourceServer } from '../support/loads/source-server.js';
import { describePrivateSource } from './private-source.suite.js';

describePrivateSource('gRPC', {
  create: async (limits) => {
    const origin = await startSourceServer();
    const source = openGrpcSource({ name: 'of-the-suite', target: origin.address, ...limits });
    const dispose = async (): Promise<void> => {
      await source.close();
      await origin.stop();
    };
    return { source, origin, dispose };
  },
});
